"""The numbers fold: whether a contact's number can be reached, by how our messages ended, by what it wrote to us, and
by what Twilio says stands behind it.

The state is a set of failures, and when something last arrived by each channel: what arrives later than a failure ends
it. So any order of the facts gives the same. Of many failures the latest are kept, of looks the last.
"""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from services.domain.consent.deactivations import KnownDeactivated, NumberDeactivated
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.messages.channel import went_by
from services.domain.messages.events import InboundReceived, OutcomeReached
from services.domain.messages.lines import NumberLookedUp
from services.domain.messages.number import Number, NumberStated, aged, moment_of, stated
from services.domain.reachability import Failure, PhoneLine, by_text, concerns, tells

MOST_AWAY, MOST_OTHERS = 16, 4
_ARRIVED = frozenset({"delivered", "read"})
_FAILED = frozenset({"undelivered", "failed"})


def fold(state: Number | None, event: msgspec.Struct) -> tuple[Number | None, list[NumberStated]]:
    """Join an end of a message, or a message of theirs; forget what is due. Everything else changes nothing."""
    match event:
        case InboundReceived():
            return _arrived(state, event, _heard_by(event), event.sent_at or event.received_at)
        case OutcomeReached() if event.status in _ARRIVED:
            return _arrived(state, event, _sent_by(event), max(event.at, event.overruled_at or ""))
        case OutcomeReached() if event.status in _FAILED and tells(_sent_by(event), event.error_code):
            return _failed(state, event)
        case NumberLookedUp():
            return _looked_up(state, event)
        case NumberDeactivated() if state is not None:
            return _taken_back(state, event)
        case KnownDeactivated():
            return _taken_back(state or Number(tenant=event.tenant, contact=event.contact), event)
        case Due() if state is not None:
            return _forget(state, event.at)
        case _:
            return state, []


def _heard_by(event: InboundReceived) -> str:
    return went_by("MM" if event.num_media else event.message_sid, event.from_)


def _sent_by(event: OutcomeReached) -> str:
    """As the fact says; of an older one by our sender."""
    return event.channel or went_by(event.message_sid, event.sender)


def _arrived(
    state: Number | None, event: InboundReceived | OutcomeReached, channel: str, at: str
) -> tuple[Number | None, list[NumberStated]]:
    known = state or Number(tenant=event.tenant, contact=event.contact)
    wrote = max(known.wrote, at) if isinstance(event, InboundReceived) else known.wrote
    if known.arrived.get(channel, "") >= at and known.wrote == wrote:
        return state, []
    arrived = dict(sorted({**known.arrived, channel: max(at, known.arrived.get(channel, ""))}.items()))
    failures, line = _kept(known.failures, arrived), _seen(known.line, arrived)
    deactivated = known.deactivated if known.deactivated >= wrote else ""
    after = replace(known, arrived=arrived, failures=failures, line=line, wrote=wrote, deactivated=deactivated)
    return _told(known, after, event.event_id, at)


def _failed(state: Number | None, event: OutcomeReached) -> tuple[Number | None, list[NumberStated]]:
    known = state or Number(tenant=event.tenant, contact=event.contact)
    sid, channel = event.message_sid or None, _sent_by(event)
    failure = Failure(at=event.at, channel=channel, code=event.error_code or 0, message_sid=sid)
    key = f"{sid or event.event_id} {'away' if failure.away else 'takes none'}"
    latest = max(known.failures.get(key, failure), failure, key=moment_of)
    failures = _kept({**known.failures, key: latest}, known.arrived)
    return _told(known, replace(known, failures=failures), event.event_id, event.at) if failures else (state, [])


def _looked_up(state: Number | None, event: NumberLookedUp) -> tuple[Number | None, list[NumberStated]]:
    known = state or Number(tenant=event.tenant, contact=event.contact)
    if known.line is not None and _line_order(known.line) >= _line_order(event.line):
        return state, []
    return _told(known, replace(known, line=_seen(event.line, known.arrived)), event.event_id, event.at)


def _taken_back(state: Number, event: NumberDeactivated | KnownDeactivated) -> tuple[Number, list[NumberStated]]:
    """Who wrote since has it now, whoever had it before."""
    if event.at <= state.deactivated or state.wrote > event.at:
        return state, []
    source = derived_event_id(event.event_id, "deactivation", event.contact)
    return _told(state, replace(state, deactivated=event.at), source, event.at)


def _line_order(line: PhoneLine) -> tuple[str, str, str]:
    return line.at, line.type or "", line.carrier or ""


def _seen(line: PhoneLine | None, arrived: Mapping[str, str]) -> PhoneLine | None:
    """The line, as what arrived since shows it."""
    if line is None or line.takes_texts:
        return line
    since = any(by_text(channel) and at >= line.at for channel, at in arrived.items())
    return replace(line, takes_texts=True) if since else line


def _kept(failures: Mapping[str, Failure], arrived: Mapping[str, str]) -> dict[str, Failure]:
    """Those after which nothing arrived, the latest of each kind."""
    left = sorted(
        (one.at, key)
        for key, one in failures.items()
        if not any(one.at <= at and concerns(one, channel) for channel, at in arrived.items())
    )
    away = [key for _, key in left if failures[key].away][-MOST_AWAY:]
    others = [key for _, key in left if not failures[key].away][-MOST_OTHERS:]
    return {key: failures[key] for key in sorted((*away, *others))}


def _told(before: Number, after: Number, source: str, at: str) -> tuple[Number, list[NumberStated]]:
    if _said(after) == _said(before):
        return after, []
    return after, [stated(after, derived_event_id(source, "number", after.contact), at)]


def _said(state: Number) -> tuple[object, ...]:
    return state.failures, state.line, state.deactivated


def _forget(state: Number, now: str) -> tuple[Number | None, list[NumberStated]]:
    # Made of the timer alone, so that whoever ticks tells the same event.
    after, told = _told(state, aged(state, now), f"{state.contact} {now}", now)
    kept = after.failures or after.arrived or after.line or after.deactivated
    return (after if kept else None), told
