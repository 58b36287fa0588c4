"""What is known of a contact's number, what follows from it, and for how long.

Which failures are too many is asked where a message is judged, by the tenant's own rule; what is told to the world is
by the standard one.

A row is forgotten by time: what arrived after a month, as long as the log keeps it; a failure, and a look at the line,
once no rule can count it any more.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.contact import BY_NUMBER
from services.domain.reachability import (
    STANDARD,
    Failure,
    PhoneLine,
    RestRule,
    Unreachable,
    standing,
)

_DAY_S = 86_400.0
# A day more than the log has them.
REMEMBER_ARRIVALS_S = 31 * _DAY_S
# The longest that a tenant may let failures count, and numbers rest.
MOST_DAYS, MOST_LANDLINE_DAYS = 90, 365
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


def due(state: Number) -> str | None:
    """When the row wants to be woken next."""
    ends = [*map(_forgotten_at, state.failures.values()), *map(_arrival_forgotten_at, state.arrived.values())]
    if state.deactivated:
        ends.append(_deactivation_forgotten_at(state.deactivated))
    if state.line is not None:
        ends.append(_line_forgotten_at(state.line))
    return min(ends, default=None)


def aged(state: Number, now: str) -> Number:
    """What is left of it once what is forgotten by then is gone."""
    return replace(
        state,
        failures={key: one for key, one in state.failures.items() if _forgotten_at(one) > now},
        arrived={channel: at for channel, at in state.arrived.items() if _arrival_forgotten_at(at) > now},
        line=state.line if state.line and _line_forgotten_at(state.line) > now else None,
        wrote=state.wrote if state.wrote and _arrival_forgotten_at(state.wrote) > now else "",
        deactivated=state.deactivated
        if state.deactivated and _deactivation_forgotten_at(state.deactivated) > now
        else "",
    )


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
    return sorted(state.failures.values(), key=lambda one: (*moment_of(one), one.message_sid or ""))


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


def moment_of(failure: Failure) -> tuple[str, int, str]:
    return failure.at, failure.code, failure.channel


def _forgotten_at(failure: Failure) -> str:
    days = 2 * MOST_DAYS if failure.away else MOST_LANDLINE_DAYS
    return later(failure.at, days * _DAY_S)


def _deactivation_forgotten_at(at: str) -> str:
    return later(at, MOST_LANDLINE_DAYS * _DAY_S)


def _line_forgotten_at(line: PhoneLine) -> str:
    return later(line.at, MOST_LANDLINE_DAYS * _DAY_S)


def _arrival_forgotten_at(at: str) -> str:
    return later(f"{at[:_DAY]}T00:00:00.000Z", REMEMBER_ARRIVALS_S + _DAY_S)
