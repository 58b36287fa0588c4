"""Facts about consent, for tests to be read as histories; and what must follow, from all of them at once.

The answer shares nothing with the fold. The fold keeps marks by scope and compares them as they come; this lists every
statement with all that was ever heard of it, and then asks of each no whether any yes came after it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from services.domain.consent.commands import (
    Action,
    ConsentAccepted,
    ContactLinked,
    Mark,
    MessageDated,
    SharedMark,
)
from services.domain.consent.events import ConsentRecorded, LinkRecorded, OptOutSuspected, SuppressionChanged
from services.domain.consent.hearing import Message, hear
from services.domain.consent.keywords import Words
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.events import InboundReceived, OutcomeReached, Parameters

Fact = InboundReceived | OutcomeReached | ConsentAccepted | ContactLinked | MessageDated
Derived = ConsentRecorded | OptOutSuspected | LinkRecorded | SuppressionChanged | ContactLinked | CommandAccepted

CONTACT = "acme|c0ffee"
PERSON = "+14155550123"
SENDER, OTHER = "+14155550100", "+14155550199"
WHATSAPP = "whatsapp:+14155550100"
TOLL_FREE = "+18885550100"
SERVICE = "MG1"
# What the people of the tenant of these tests say beside the standard words.
WORDS = Words(stop=frozenset({"alto"}), start=frozenset({"quiero"}), off=frozenset({"end"}))
_START = datetime(2026, 2, 21, 18, tzinfo=UTC)


def at(second: float) -> str:
    return (_START + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wrote(
    body: str,
    second: float = 0,
    sid: str = "SM1",
    *,
    to: str = SENDER,
    service: str | None = None,
    told: str | None = None,
    payload: str | None = None,
    contact: str = CONTACT,
    linked: str | Sequence[str] | None = None,
    **other: Any,
) -> InboundReceived:
    """A webhook that arrived at `second`; its id is of the message, not of the time."""
    raw: Parameters = {"Body": body}
    if service:
        raw["MessagingServiceSid"] = service
    if told:
        raw["OptOutType"] = told
    if payload:
        raw["ButtonPayload"] = payload
    fields: dict[str, Any] = {"event_id": f"webhook {sid}", "tenant": "acme", "account_sid": "AC1", "num_media": 0}
    fields |= {"from_": f"whatsapp:{PERSON}" if to.startswith("whatsapp:") else PERSON}
    fields["linked"] = [linked] if isinstance(linked, str) else list(linked or ())
    fields["heard"] = hear(Message(to=to, body=body, opt_out_type=told or "", button_payload=payload or ""), WORDS)
    return InboundReceived(
        received_at=at(second), contact=contact, message_sid=sid, to=to, body=body, raw=raw, **fields | other
    )


def listed(body: str, second: float = 0, sid: str = "SM1", *, found: float = 9_000, **other: Any) -> InboundReceived:
    """The same message as Twilio's own list has it, with its date; read long after."""
    return wrote(body, found, sid, sent_at=at(second), provenance="backfill", event_id=f"backfill {sid}", **other)


def fetched(webhook: InboundReceived, second: float = 0, found: float = 9_000) -> MessageDated | None:
    """Twilio's date of a message that was heard of; None where it says nothing."""
    action, scopes, source = _meant(webhook)
    yes = action == "opt_in"
    mark = Mark(
        at=at(second), evidence=webhook.event_id, source=source, exact=True, consents=yes and webhook.body != "YES"
    )
    marks = [SharedMark(id=webhook.message_sid, action=action, scope=scope, mark=mark) for scope in scopes]
    return (
        MessageDated(
            event_id=f"date {webhook.message_sid}",
            tenant="acme",
            contact=webhook.contact,
            at=at(found),
            message_sid=webhook.message_sid,
            marks=marks,
        )
        if marks
        else None
    )


def refused(second: float = 0, sid: str = "SM9", sender: str = SENDER, code: int | None = 21610) -> OutcomeReached:
    """A message of ours ended, by default because Twilio knows of an opt-out."""
    return OutcomeReached(
        event_id=f"outcome {sid}",
        tenant="acme",
        at=at(second),
        contact=CONTACT,
        command_id="order-18473",
        message_sid=sid,
        sender=sender,
        status="failed",
        error_code=code,
    )


def stated(
    action: Action, second: float = 0, scope: str = "tenant", command: str = "c1", **other: Any
) -> ConsentAccepted:
    """An explicit yes that was given at `second`, or no that was taken then; five seconds passed between both."""
    fields: dict[str, Any] = {"event_id": f"consent {command}", "tenant": "acme", "contact": CONTACT}
    given = second if action == "opt_in" else second - 5
    fields |= {"accepted_at": at(given + 5), "given_at": at(given), "address": PERSON}
    return ConsentAccepted(command_id=command, action=action, scope=scope, **fields | other)


def shared(action: Action, second: float, scope: str, sid: str, exact: bool = False) -> SharedMark:
    mark = Mark(at=at(second), evidence=f"there {sid}", source="keyword", exact=exact, consents=action == "opt_in")
    return SharedMark(id=sid, action=action, scope=scope, mark=mark)


def linked(marks: list[SharedMark], second: float = 0, other: str = "acme|decaf") -> ContactLinked:
    """What a contact that is the same person has to tell."""
    told = " ".join(f"{one.id}{one.scope}{one.mark.at}" for one in marks)
    return ContactLinked(
        event_id=f"link {other} {told}", tenant="acme", contact=CONTACT, linked=other, at=at(second), marks=marks
    )


def history(fold: Callable[..., Any], facts: Iterable[Any], state: Any = None) -> tuple[Any, list[Any]]:
    """The row after these facts, and all that they led to."""
    emitted: list[Any] = []
    for fact in facts:
        state, derived = fold(state, fact)
        emitted += derived
    return state, emitted


class Sighting(NamedTuple):
    """One fact's word on one statement in one scope."""

    action: str
    scope: str
    statement: str
    dated: bool
    moment: datetime
    evidence: str
    source: str
    since: str


# What the few bodies of these tests mean: by SMS, by WhatsApp, and to a toll-free number; "(opt_in)" lifts nothing.
_MEANING = {
    "STOP": ("opt_out", "opt_out", "opt_out"),
    "Stop!": ("opt_out", "opt_out", "opt_out"),
    "Álto": ("opt_out", "opt_out", "opt_out"),
    "END": (None, None, None),
    "START": ("opt_in", "opt_in", "opt_in"),
    "YES": ("opt_in", None, None),
    "Quiero": ("opt_in", "opt_in", "(opt_in)"),
    "SUBSCRIBE": (None, "opt_in", None),
    "hello": (None, None, None),
    "Stop. Thank you": (None, None, None),
}
# Of refusals: what each stops. The first is Twilio's own list, the others are kept by WhatsApp.
_REFUSALS = {21610: "everything", 63014: "templates", 63033: "templates"}


def answer(facts: Sequence[Fact]) -> dict[str, tuple[str, str, str]]:
    """Scope → since when, by which evidence, of what kind we may not write."""
    return _left([one for fact in facts for one in _sightings(fact)])


def answers(facts: Sequence[InboundReceived]) -> dict[str, dict[str, tuple[str, str, str]]]:
    """The same for each name of whoever wrote. A no is of all who are the same person."""
    names = {name for fact in facts for name in (fact.contact, *fact.linked)}
    found = {}
    for name in names:
        person = {name}
        while more := {
            other
            for fact in facts
            if person & {fact.contact, *fact.linked}
            for other in (fact.contact, *fact.linked)
            if other not in person
        }:
            person |= more
        noes = [one for fact in facts if fact.contact in person for one in _sightings(fact) if one.action == "opt_out"]
        yeses = [one for fact in facts if name in (fact.contact, *fact.linked) for one in _sightings(fact)]
        found[name] = _left([*noes, *(one for one in yeses if one.action == "opt_in")])
    return found


def _left(sightings: list[Sighting]) -> dict[str, tuple[str, str, str]]:
    noes = _statements(sightings, "opt_out")
    yeses = _statements(sightings, "opt_in")
    standing: dict[str, list[Sighting]] = {}
    for no in noes:
        if not any(yes.scope in (no.scope, "tenant") and _after(yes, no) for yes in yeses):
            standing.setdefault(no.scope, []).append(no)
    found = {}
    for scope, left in standing.items():
        left.sort(key=lambda one: (one.moment, one.evidence))
        whole = [one for one in left if one.source not in ("twilio_63014", "twilio_63033")]
        named = whole[0] if whole else left[-1]
        found[scope] = (named.since, named.evidence, named.source)
    return found


def _after(yes: Sighting, no: Sighting) -> bool:
    if yes.dated and no.dated:
        return yes.moment > no.moment
    return yes.moment - no.moment > timedelta(minutes=1)


def _statements(sightings: list[Sighting], action: str) -> list[Sighting]:
    """Of each statement and scope the best sighting: Twilio's date, else the first arrival."""
    best: list[Sighting] = []
    for name in sorted({(one.statement, one.scope) for one in sightings if one.action == action}):
        same = [one for one in sightings if one.action == action and (one.statement, one.scope) == name]
        dated = [one for one in same if one.dated]
        best.append(sorted(dated or same, key=lambda one: (one.moment, one.evidence))[0])
    return best


def _sightings(fact: Fact) -> list[Sighting]:
    if isinstance(fact, ContactLinked | MessageDated):
        return [_told_elsewhere(one) for one in fact.marks]
    if isinstance(fact, ConsentAccepted):
        name = f"command:{fact.command_id}"
        # A no counts from when it was taken: its date is anybody's.
        given = fact.given_at if fact.action == "opt_in" else fact.accepted_at
        return [Sighting(fact.action, fact.scope, name, False, _moment(given), fact.event_id, "command", given)]
    if isinstance(fact, OutcomeReached):
        if fact.error_code not in _REFUSALS:
            return []
        scope, name, source = f"sender:{fact.sender}", fact.message_sid, f"twilio_{fact.error_code}"
        return [Sighting("opt_out", scope, name, False, _moment(fact.at), fact.event_id, source, fact.at)]
    action, scopes, source = _meant(fact)
    since = fact.received_at if fact.sent_at is None else fact.sent_at
    dated, name = fact.sent_at is not None, fact.message_sid
    return [Sighting(action, one, name, dated, _moment(since), fact.event_id, source, since) for one in scopes]


def _told_elsewhere(one: SharedMark) -> Sighting:
    said = one.mark
    return Sighting(one.action, one.scope, one.id, said.exact, _moment(said.at), said.evidence, said.source, said.at)


def _meant(message: InboundReceived) -> tuple[Action, list[str], str]:
    """Yes or no, where, and who understood it; in no scope if it was neither, or a yes that lifts nothing there."""
    told, payload = (str(message.raw.get(name, "")) for name in ("OptOutType", "ButtonPayload"))
    where = 2 if message.to == TOLL_FREE else int(message.to.startswith("whatsapp:"))
    typed = None if payload and message.body == "YES" else _MEANING[message.body][where]
    tapped = "opt_out" if payload == "STOP" else None
    meanings = {typed, tapped, {"STOP": "opt_out", "START": "opt_in"}.get(told)}
    scopes = [f"sender:{message.to}"]
    if "MessagingServiceSid" in message.raw:
        scopes.append(f"service:{message.raw['MessagingServiceSid']}")
    source = "opt_out_type" if told else "button" if tapped else "keyword"
    if "opt_out" in meanings:
        return "opt_out", scopes, source
    # The network hears START and UNSTOP alone, whatever Twilio made of it.
    deaf = message.to == TOLL_FREE and message.body != "START"
    return "opt_in", scopes if "opt_in" in meanings and not deaf else [], source


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
