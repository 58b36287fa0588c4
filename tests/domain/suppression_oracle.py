"""Facts about consent, for tests to be read as histories; and what must follow, from all of them at once.

The answer shares nothing with the fold. The fold keeps marks by scope and compares them as they come; this lists every
statement with all that was ever heard of it, and then asks of each no whether any yes came after it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from services.domain.consent.commands import Action, ConsentAccepted, ContactLinked, Mark, SharedMark
from services.domain.consent.events import ConsentRecorded, LinkRecorded, SuppressionChanged
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.events import InboundReceived, OutcomeReached, Parameters

Fact = InboundReceived | OutcomeReached | ConsentAccepted | ContactLinked
Derived = ConsentRecorded | LinkRecorded | SuppressionChanged | ContactLinked | CommandAccepted

CONTACT = "acme|c0ffee"
PERSON = "+14155550123"
SENDER, OTHER = "+14155550100", "+14155550199"
WHATSAPP = "whatsapp:+14155550100"
SERVICE = "MG1"
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
    contact: str = CONTACT,
    **other: Any,
) -> InboundReceived:
    """A webhook that arrived at `second`; its id is of the message, not of the time."""
    raw: Parameters = {"Body": body}
    if service:
        raw["MessagingServiceSid"] = service
    if told:
        raw["OptOutType"] = told
    fields: dict[str, Any] = {"event_id": f"webhook {sid}", "tenant": "acme", "account_sid": "AC1", "num_media": 0}
    fields |= {"from_": f"whatsapp:{PERSON}" if to.startswith("whatsapp:") else PERSON}
    return InboundReceived(
        received_at=at(second), contact=contact, message_sid=sid, to=to, body=body, raw=raw, **fields | other
    )


def listed(body: str, second: float = 0, sid: str = "SM1", *, found: float = 9_000, **other: Any) -> InboundReceived:
    """The same message as Twilio's own list has it, with its date; read long after."""
    return wrote(body, found, sid, sent_at=at(second), provenance="backfill", event_id=f"backfill {sid}", **other)


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
    """An explicit yes or no, given at `second`."""
    fields: dict[str, Any] = {"event_id": f"consent {command}", "tenant": "acme", "contact": CONTACT}
    fields |= {"accepted_at": at(second + 5), "given_at": at(second), "address": PERSON}
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


# What the few bodies of these tests mean, by SMS and by WhatsApp.
_MEANING = {
    "STOP": ("opt_out", "opt_out"),
    "Stop!": ("opt_out", "opt_out"),
    "START": ("opt_in", "opt_in"),
    "YES": ("opt_in", None),
    "SUBSCRIBE": (None, "opt_in"),
    "hello": (None, None),
}


def answer(facts: Sequence[Fact]) -> dict[str, tuple[str, str, str]]:
    """Scope → since when, by which evidence, of what kind we may not write."""
    sightings = [sighting for fact in facts for sighting in _sightings(fact)]
    noes = _statements(sightings, "opt_out")
    yeses = _statements(sightings, "opt_in")
    standing: dict[str, list[Sighting]] = {}
    for no in noes:
        if not any(yes.scope in (no.scope, "tenant") and _after(yes, no) for yes in yeses):
            standing.setdefault(no.scope, []).append(no)
    found = {}
    for scope, left in standing.items():
        left.sort(key=lambda one: (one.moment, one.evidence))
        found[scope] = (left[0].since, left[0].evidence, left[0].source)
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
    if isinstance(fact, ContactLinked):
        return [_told_elsewhere(one) for one in fact.marks]
    if isinstance(fact, ConsentAccepted):
        name = f"command:{fact.command_id}"
        given = fact.given_at
        return [Sighting(fact.action, fact.scope, name, False, _moment(given), fact.event_id, "command", given)]
    if isinstance(fact, OutcomeReached):
        if fact.error_code != 21610:
            return []
        scope, name = f"sender:{fact.sender}", fact.message_sid
        return [Sighting("opt_out", scope, name, False, _moment(fact.at), fact.event_id, "twilio_21610", fact.at)]
    action, scopes, source = _meant(fact)
    since = fact.received_at if fact.sent_at is None else fact.sent_at
    dated, name = fact.sent_at is not None, fact.message_sid
    return [Sighting(action, one, name, dated, _moment(since), fact.event_id, source, since) for one in scopes]


def _told_elsewhere(one: SharedMark) -> Sighting:
    said = one.mark
    return Sighting(one.action, one.scope, one.id, said.exact, _moment(said.at), said.evidence, said.source, said.at)


def _meant(message: InboundReceived) -> tuple[str, list[str], str]:
    """Yes or no, where, and who understood it; in no scope if it was neither."""
    told = str(message.raw.get("OptOutType", ""))
    meanings = {{"STOP": "opt_out", "START": "opt_in"}.get(told), _MEANING[message.body][_by_whatsapp(message)]}
    scopes = [f"sender:{message.to}"]
    if "MessagingServiceSid" in message.raw:
        scopes.append(f"service:{message.raw['MessagingServiceSid']}")
    action = "opt_out" if "opt_out" in meanings else "opt_in"
    return action, scopes if meanings != {None} else [], "opt_out_type" if told else "keyword"


def _by_whatsapp(message: InboundReceived) -> bool:
    return message.to.startswith("whatsapp:")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
