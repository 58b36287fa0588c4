"""Every yes and no that the log holds, and which no is still standing. All at once, and only where it is sure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.checker.addresses import scope
from services.checker.facts import Fact, Facts
from services.checker.topics import ACCEPTED, CONSENT, INBOUND, OUTCOMES
from services.checker.words import Action, heard, is_standard, spoken

OPTED_OUT = 21610
TENANT = "tenant"
# Webhooks have no time of their own: of two so close nobody knows which was said first.
_UNSURE = timedelta(seconds=60)


class Said(NamedTuple):
    """One fact's word on one statement in one scope. `dated`: the time is Twilio's own."""

    contact: str
    action: Action
    scope: str
    statement: str
    dated: bool
    at: str
    fact: Fact
    source: str

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

    def of_person(self, contact: str) -> Sequence[Said]:
        """What was said by a contact, and by those linked to it."""
        people = self.person.get(contact, frozenset({contact}))
        return [one for name in people for one in self.said.get(name, ())]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def released(no: Said, yeses: Sequence[Said]) -> bool:
    """Whether one of them lifts this no."""
    return any(yes.scope in (no.scope, TENANT) and yes.after(no) for yes in yeses)


def best(said: Sequence[Said]) -> Sequence[Said]:
    """Of each statement and scope one word: Twilio's date, else the first arrival."""
    found: dict[tuple[str, str, str], Said] = {}
    for one in sorted(said, key=lambda said: (not said.dated, said.at, said.fact.id)):
        found.setdefault((one.action, one.statement, one.scope), one)
    return list(found.values())


def consent(facts: Facts) -> Consent:
    """All that was said."""
    words = _own_words(facts)
    said: defaultdict[str, list[Said]] = defaultdict(list)
    unsure: set[str] = set()
    for fact in facts.sound(INBOUND):
        for one in _written(fact, words):
            if one is None:
                unsure.add(fact.text("contact"))
            else:
                said[one.contact].append(one)
    for fact in (*facts.sound(OUTCOMES), *facts.sound(ACCEPTED)):
        for one in _refused(fact) if fact.entry.topic == OUTCOMES else _commanded(fact):
            if one is None:
                unsure.add(fact.text("contact"))
            else:
                said[one.contact].append(one)
    # Their facts were put aside, so what they said may be missing here and there.
    unsure |= {str(letter.event.get("contact")) for letter in facts.letters if letter.event}
    return Consent(said, frozenset(unsure), _people(facts))


def _own_words(facts: Facts) -> Mapping[tuple[str, bool, str], Action]:
    """By tenant, WhatsApp or not, and word: a tenant's own, as its evidence names them. Settings are not known here."""
    found: dict[tuple[str, bool, str], Action] = {}
    for fact in facts.of(CONSENT):
        word, action = fact.text("word"), fact.event.get("action")
        if word and fact.event.get("source") == "keyword" and action in ("opt_out", "opt_in"):
            heard_by = fact.text("address").startswith("whatsapp:")
            # What everybody says on one channel is no word of the tenant's own on another.
            for whatsapp in (heard_by,) if is_standard(word) else (True, False):
                found[fact.text("tenant"), whatsapp, word] = action
    return found


def _written(fact: Fact, words: Mapping[tuple[str, bool, str], Action]) -> Iterator[Said | None]:
    """None: something was said, and it is not sure where."""
    raw = fact.event.get("raw")
    parameters: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    told, service = _first(parameters.get("OptOutType")), _first(parameters.get("MessagingServiceSid"))
    body, whatsapp = fact.text("body"), fact.text("from").startswith("whatsapp:")
    action = heard(body, told, whatsapp=whatsapp) or words.get((fact.text("tenant"), whatsapp, spoken(body)))
    if action is None:
        return
    dated = fact.text("sent_at")
    for name in dict.fromkeys(filter(None, (scope(fact.text("to")), f"service:{service}" if service else None))):
        yield Said(
            contact=fact.text("contact"),
            action=action,
            scope=name,
            statement=fact.text("message_sid") or fact.id,
            dated=bool(dated),
            at=dated or fact.text("received_at"),
            fact=fact,
            source="opt_out_type" if told else "keyword",
        )
    if scope(fact.text("to")) is None:
        yield None


def _refused(fact: Fact) -> Iterator[Said | None]:
    if fact.event.get("error_code") != OPTED_OUT:
        return
    service, sender = fact.text("messaging_service_sid"), fact.text("sender")
    for name in dict.fromkeys(filter(None, (scope(sender), f"service:{service}" if service else None))):
        statement = fact.text("message_sid") or fact.id
        yield Said(
            fact.text("contact"), "opt_out", name, statement, False, fact.text("at"), fact, "twilio_21610"
        )  # fmt: skip
    if sender and scope(sender) is None:
        yield None


def _commanded(fact: Fact) -> Iterator[Said | None]:
    if fact.event.get("event_type") != "consent_accepted":
        return
    given, action = fact.text("given_at"), fact.event["action"]
    # A no may be said again under one command id.
    statement = f"command:{fact.text('command_id')}" + (f":{given}" if action == "opt_out" else "")
    yield Said(
        fact.text("contact"), action, fact.text("scope"), statement, False, given, fact, "command"
    )  # fmt: skip


def _people(facts: Facts) -> Mapping[str, frozenset[str]]:
    """Contact keys that a webhook, or the product itself, called one person."""
    groups: dict[str, set[str]] = {}
    for fact in (*facts.sound(INBOUND), *facts.sound(ACCEPTED)):
        if linked := fact.text("linked"):
            contact = fact.text("contact")
            joined = groups.get(contact, {contact}) | groups.get(linked, {linked})
            groups |= dict.fromkeys(joined, joined)
    return {contact: frozenset(group) for contact, group in groups.items()}


def _first(value: Any) -> str:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, str) else ""
