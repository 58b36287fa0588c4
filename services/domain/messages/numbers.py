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
    each the latest. `arrived`: channel → when something last did. `line`: what Lookup last said.
    """

    tenant: str
    contact: str
    failures: dict[str, Failure] = {}
    arrived: dict[str, str] = {}
    line: PhoneLine | None = None


class NumberStated(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a contact's number can be reached (`twilio.numbers.v1`, keyed by contact, compacted).

    `failures`: what did not reach it since something last did, in order; none: it can be reached as far as anybody
    knows. `unreachable`: channel → what follows from them by the standard rule (three within 14 days: a week; a
    landline: 180 days), and until when; a tenant's own rule may be another. `line`: what Twilio's Lookup says of it,
    where that was asked.
    """

    event_type: Literal["number_stated"] = "number_stated"
    event_id: str
    tenant: str
    contact: str
    at: str
    failures: list[Failure] = []
    unreachable: dict[str, Unreachable] = {}
    line: PhoneLine | None = None


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
        case Due() if state is not None:
            return _forget(state, event.at)
        case _:
            return state, []


def due(state: Number) -> str | None:
    """When the row wants to be woken next."""
    ends = [*map(_forgotten_at, state.failures.values()), *map(_arrival_forgotten_at, state.arrived.values())]
    if state.line is not None:
        ends.append(_line_forgotten_at(state.line))
    return min(ends, default=None)


def unreachable(state: Number | None, rules: Mapping[str, RestRule] = {}) -> dict[str, Unreachable]:
    """Channel → what stands against it, or stood, by these rules; of a channel without one by the standard rule."""
    if state is None or not (state.failures or state.line):
        return {}
    channels = {one.channel for one in state.failures.values()}
    if channels & {"sms", "mms"} or state.line:
        channels |= {"sms", "mms"}
    failures, line = state.failures.values(), state.line
    found = {channel: standing(failures, channel, rules.get(channel, STANDARD), line) for channel in sorted(channels)}
    return {channel: one for channel, one in found.items() if one is not None}


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
    if known.arrived.get(channel, "") >= at:
        return state, []
    arrived = dict(sorted({**known.arrived, channel: at}.items()))
    failures, line = _kept(known.failures, arrived), _seen(known.line, arrived)
    return _told(known, replace(known, arrived=arrived, failures=failures, line=line), event.event_id, at)


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
    if (after.failures, after.line) == (before.failures, before.line):
        return after, []
    return after, [stated(after, derived_event_id(source, "number", after.contact), at)]


def _forget(state: Number, now: str) -> tuple[Number | None, list[NumberStated]]:
    after = replace(
        state,
        failures={key: one for key, one in state.failures.items() if _forgotten_at(one) > now},
        arrived={channel: at for channel, at in state.arrived.items() if _arrival_forgotten_at(at) > now},
        line=state.line if state.line and _line_forgotten_at(state.line) > now else None,
    )
    # Made of the timer alone, so that whoever ticks tells the same event.
    after, told = _told(state, after, f"{state.contact} {now}", now)
    return (after if after.failures or after.arrived or after.line else None), told


def _forgotten_at(failure: Failure) -> str:
    days = 2 * MOST_DAYS if failure.away else MOST_LANDLINE_DAYS
    return later(failure.at, days * _DAY_S)


def _line_forgotten_at(line: PhoneLine) -> str:
    return later(line.at, MOST_LANDLINE_DAYS * _DAY_S)


def _arrival_forgotten_at(at: str) -> str:
    return later(f"{at[:_DAY]}T00:00:00.000Z", REMEMBER_ARRIVALS_S + _DAY_S)
