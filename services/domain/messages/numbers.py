"""The numbers fold: whether a contact's number can be reached, by how our messages ended, by what it wrote to us, and
by what Twilio says stands behind it.

The state is a set of failures, and when something last arrived by each channel: what arrives later than a failure ends
it. So any order of the facts gives the same. Which failures are too many is asked where a message is judged, by the
tenant's own rule; what is told to the world is by the standard one.

A row is forgotten by time: what arrived after a month, as long as the log keeps it; a failure, and a look at the line,
once no rule can count it any more. Of many failures the latest are kept, of looks the last.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.consent.deactivations import KnownDeactivated, NumberDeactivated
from services.domain.contact import BY_NUMBER
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.messages.counting import went_by
from services.domain.messages.events import InboundReceived, OutcomeReached
from services.domain.messages.lines import NumberLookedUp
from services.domain.reachability import (
    STANDARD,
    Failure,
    PhoneLine,
    RestRule,
    Unreachable,
    by_text,
    concerns,
    standing,
    tells,
)

_DAY_S = 86_400.0
# A day more than the log has them.
REMEMBER_ARRIVALS_S = 31 * _DAY_S
# The longest that a tenant may let failures count, and numbers rest.
MOST_DAYS, MOST_LANDLINE_DAYS = 90, 365
MOST_AWAY, MOST_OTHERS = 16, 4
_ARRIVED = frozenset({"delivered", "read"})
_FAILED = frozenset({"undelivered", "failed"})
# Of a time, its day: a row that something arrives at every hour is not to be woken at another time after each.
_DAY = 10


class Number(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a contact's number. Key: contact.

    `failures`: by message sid, or by the fact where there is none, and by whether nobody was there or it takes none: of
    each the latest. `arrived`: channel → when something last did. `line`: what Lookup last said. `wrote`: when they
    last did; `deactivated`: the end of the day on which a carrier took the number back, if they have not written since.
    """

    tenant: str
    contact: str
    failures: dict[str, Failure] = {}
    arrived: dict[str, str] = {}
    line: PhoneLine | None = None
    wrote: str = ""
    deactivated: str = ""


class NumberStated(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a contact's number can be reached (`twilio.numbers.v1`, keyed by contact, compacted).

    `failures`: what did not reach it since something last did, in order; none: it can be reached as far as anybody
    knows. `unreachable`: channel → what follows from them by the standard rule (three within 14 days: a week; a
    landline: 180 days), and until when; a tenant's own rule may be another. `line`: what Twilio's Lookup says of it,
    where that was asked. `deactivated_at`: the end of the day on which a carrier took it back, if nobody wrote from
    there since: it may be somebody else's.
    """

    event_type: Literal["number_stated"] = "number_stated"
    event_id: str
    tenant: str
    contact: str
    at: str
    failures: list[Failure] = []
    unreachable: dict[str, Unreachable] = {}
    line: PhoneLine | None = None
    deactivated_at: str | None = None


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


def due(state: Number) -> str | None:
    """When the row wants to be woken next."""
    ends = [*map(_forgotten_at, state.failures.values()), *map(_arrival_forgotten_at, state.arrived.values())]
    if state.deactivated:
        ends.append(_deactivation_forgotten_at(state.deactivated))
    if state.line is not None:
        ends.append(_line_forgotten_at(state.line))
    return min(ends, default=None)


def unreachable(state: Number | None, rules: Mapping[str, RestRule] = {}) -> dict[str, Unreachable]:
    """Channel → what stands against it, or stood, by these rules; of a channel without one by the standard rule."""
    if state is None:
        return {}
    channels = {one.channel for one in state.failures.values()}
    if channels & {"sms", "mms"} or state.line:
        channels |= {"sms", "mms"}
    if state.deactivated:
        channels |= set(BY_NUMBER)
    found = {channel: against(state, channel, rules.get(channel, STANDARD)) for channel in sorted(channels)}
    return {channel: one for channel, one in found.items() if one is not None}


def against(state: Number, channel: str, rule: RestRule) -> Unreachable | None:
    """What stands against a channel, or stood. That the number may be somebody else's comes before all else."""
    if state.deactivated and channel in BY_NUMBER:
        until = _deactivation_forgotten_at(state.deactivated)
        return Unreachable(why="deactivated", until=until, failures=0, codes=[], last_at=state.deactivated)
    return standing(state.failures.values(), channel, rule, state.line)


def in_order(state: Number) -> list[Failure]:
    """What did not reach it, as it came."""
    return sorted(state.failures.values(), key=lambda one: (*_moment(one), one.message_sid or ""))


def stated(state: Number, event_id: str, at: str) -> NumberStated:
    """What is told of a row."""
    return NumberStated(
        event_id=event_id,
        tenant=state.tenant,
        contact=state.contact,
        at=at,
        failures=in_order(state),
        unreachable=unreachable(state),
        line=state.line,
        deactivated_at=state.deactivated or None,
    )


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
    latest = max(known.failures.get(key, failure), failure, key=_moment)
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


def _moment(failure: Failure) -> tuple[str, int, str]:
    return failure.at, failure.code, failure.channel


def _told(before: Number, after: Number, source: str, at: str) -> tuple[Number, list[NumberStated]]:
    if _said(after) == _said(before):
        return after, []
    return after, [stated(after, derived_event_id(source, "number", after.contact), at)]


def _said(state: Number) -> tuple[object, ...]:
    return state.failures, state.line, state.deactivated


def _forget(state: Number, now: str) -> tuple[Number | None, list[NumberStated]]:
    after = replace(
        state,
        failures={key: one for key, one in state.failures.items() if _forgotten_at(one) > now},
        arrived={channel: at for channel, at in state.arrived.items() if _arrival_forgotten_at(at) > now},
        line=state.line if state.line and _line_forgotten_at(state.line) > now else None,
        wrote=state.wrote if state.wrote and _arrival_forgotten_at(state.wrote) > now else "",
        deactivated=state.deactivated
        if state.deactivated and _deactivation_forgotten_at(state.deactivated) > now
        else "",
    )
    # Made of the timer alone, so that whoever ticks tells the same event.
    after, told = _told(state, after, f"{state.contact} {now}", now)
    kept = after.failures or after.arrived or after.line or after.deactivated
    return (after if kept else None), told


def _forgotten_at(failure: Failure) -> str:
    days = 2 * MOST_DAYS if failure.away else MOST_LANDLINE_DAYS
    return later(failure.at, days * _DAY_S)


def _deactivation_forgotten_at(at: str) -> str:
    return later(at, MOST_LANDLINE_DAYS * _DAY_S)


def _line_forgotten_at(line: PhoneLine) -> str:
    return later(line.at, MOST_LANDLINE_DAYS * _DAY_S)


def _arrival_forgotten_at(at: str) -> str:
    return later(f"{at[:_DAY]}T00:00:00.000Z", REMEMBER_ARRIVALS_S + _DAY_S)
