"""Every yes and no that the log holds, and which no is still standing. All at once, and only where it is sure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.checker.addresses import scope
from services.checker.facts import Fact, Facts, gathered
from services.checker.topics import ACCEPTED, INBOUND, OUTCOMES
from services.checker.words import Action, meant

# Twilio's list, a network's, and the two that WhatsApp keeps for one sender: of templates, and until they write again.
OPTED_OUT = frozenset({21610, 30630})
LEFT = frozenset({63014, 63033})
TENANT = "tenant"
# Webhooks have no time of their own: of two so close nobody knows which was said first.
_UNSURE = timedelta(seconds=60)


class Said(NamedTuple):
    """One fact's word on one statement in one scope. `dated`: the time is Twilio's own.

    `names`: the contacts that the fact itself is about. `lifts`: whoever keeps the block hears this yes.
    """

    contact: str
    action: Action
    scope: str
    statement: str
    dated: bool
    at: str
    fact: Fact
    source: str
    names: frozenset[str] = frozenset()
    lifts: bool = True
    # The fact that said it, where this one only tells its date.
    said_by: str = ""

    @property
    def stops_templates_alone(self) -> bool:
        return self.source in {f"twilio_{code}" for code in LEFT}

    def after(self, other: "Said") -> bool:
        """Was this said after that, as far as anyone can know?"""
        if self.dated and other.dated:
            return self.at > other.at
        return moment(self.at) - moment(other.at) > _UNSURE


class Consent(NamedTuple):
    """Statements by contact; contacts of whom nothing sure can be said; each contact with all that are one person."""

    said: Mapping[str, Sequence[Said]]
    unsure: frozenset[str]
    person: Mapping[str, frozenset[str]]

    def holds_for(self, contact: str) -> Sequence[Said]:
        """What counts for a contact: each no of anybody who is the same person, and each yes that names the contact."""
        people = self.person.get(contact, frozenset({contact}))
        said = [one for name in people for one in self.said.get(name, ())]
        return [one for one in said if one.action == "opt_out" or contact in {one.contact, *one.names}]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def released(no: Said, yeses: Sequence[Said]) -> bool:
    """Whether one of them lifts this no."""
    return any(yes.lifts and yes.scope in (no.scope, TENANT) and yes.after(no) for yes in yeses)


def best(said: Sequence[Said]) -> Sequence[Said]:
    """Of each statement and scope one word: Twilio's date, else the first arrival."""
    found: dict[tuple[str, str, str], Said] = {}
    for one in sorted(said, key=lambda said: (not said.dated, said.at, said.fact.id)):
        found.setdefault((one.action, one.statement, one.scope), one)
    return list(found.values())


@gathered
def consent(facts: Facts) -> Consent:
    """All that was said."""
    said: defaultdict[str, list[Said]] = defaultdict(list)
    unsure: set[str] = set()
    for fact in facts.sound(INBOUND):
        for one in _written(fact):
            if one is None:
                unsure.add(fact.text("contact"))
            else:
                said[one.contact].append(one)
    for fact in (*facts.sound(OUTCOMES), *facts.sound(ACCEPTED)):
        for one in _refused(fact) if fact.entry.topic == OUTCOMES else (*_commanded(fact), *_dated(fact)):
            if one is None:
                unsure.add(fact.text("contact"))
            else:
                said[one.contact].append(one)
    # Their facts were put aside, so what they said may be missing here and there.
    unsure |= {str(letter.event.get("contact")) for letter in facts.letters if letter.event}
    return Consent(said, frozenset(unsure), _people(facts))


def _written(fact: Fact) -> Iterator[Said | None]:
    """None: something was said, and it is not sure where."""
    raw = fact.event.get("raw")
    parameters: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    service, said = _first(parameters.get("MessagingServiceSid")), meant(fact.event)
    if said is None:
        return
    dated = fact.text("sent_at")
    for name in dict.fromkeys(filter(None, (scope(fact.text("to")), f"service:{service}" if service else None))):
        yield Said(
            contact=fact.text("contact"),
            action=said.action,
            scope=name,
            statement=fact.text("message_sid") or fact.id,
            dated=bool(dated),
            at=dated or fact.text("received_at"),
            fact=fact,
            source=said.source,
            names=frozenset(_linked(fact)),
            lifts=said.lifts,
        )
    if scope(fact.text("to")) is None:
        yield None


def _refused(fact: Fact) -> Iterator[Said | None]:
    code, service, sender = fact.event.get("error_code"), fact.text("messaging_service_sid"), fact.text("sender")
    if code not in OPTED_OUT | LEFT:
        return
    if code in LEFT and sender:
        # The service may have senders of other channels.
        service = ""
    for name in dict.fromkeys(filter(None, (scope(sender), f"service:{service}" if service else None))):
        statement = fact.text("message_sid") or fact.id
        yield Said(
            fact.text("contact"), "opt_out", name, statement, False, fact.text("at"), fact, f"twilio_{code}"
        )  # fmt: skip
    if sender and scope(sender) is None:
        yield None


def _commanded(fact: Fact) -> Iterator[Said | None]:
    if fact.event.get("event_type") != "consent_accepted":
        return
    given, action = fact.text("given_at"), fact.event["action"]
    # Its producer may date a yes back, and nothing else: a no counts from when it was taken.
    taken = fact.text("accepted_at")
    at = min(given, taken) if action == "opt_in" else taken
    if action not in ("opt_in", "opt_out"):
        # A decision about a message, which says nothing itself.
        return
    # A no may be said again under one command id.
    statement = f"command:{fact.text('command_id')}" + (f":{given}" if action == "opt_out" else "")
    yield Said(
        fact.text("contact"), action, fact.text("scope"), statement, False, at, fact, "command"
    )  # fmt: skip


def _dated(fact: Fact) -> Iterator[Said | None]:
    """Twilio's own date of what a message said, once it was fetched."""
    if fact.event.get("event_type") != "message_dated":
        return
    for one in fact.event.get("marks") or ():
        mark = one["mark"]
        if one["action"] in ("opt_in", "opt_out"):
            yield Said(
                contact=fact.text("contact"),
                action=one["action"],
                scope=one["scope"],
                statement=one["id"],
                dated=True,
                at=mark["at"],
                fact=fact,
                source=mark["source"],
                lifts=mark["releases"],
                said_by=mark["evidence"],
            )


def _people(facts: Facts) -> Mapping[str, frozenset[str]]:
    """Contact keys that a webhook, or the product itself, called one person."""
    groups: dict[str, set[str]] = {}
    for fact in (*facts.sound(INBOUND), *facts.sound(ACCEPTED)):
        contact = fact.text("contact")
        for linked in _linked(fact):
            joined = groups.get(contact, {contact}) | groups.get(linked, {linked})
            groups |= dict.fromkeys(joined, joined)
    return {contact: frozenset(group) for contact, group in groups.items()}


def _linked(fact: Fact) -> Sequence[str]:
    """A webhook may name several; what a contact is told names one."""
    named = fact.event.get("linked")
    several = named if isinstance(named, list) else [named]
    return [name for name in several if isinstance(name, str) and name]


def _first(value: Any) -> str:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, str) else ""
