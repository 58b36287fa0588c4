"""Until when a tenant's log was held against Twilio's lists, and when that is due again."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta, tzinfo

import msgspec

from services.domain.clock import later, parse, to_iso

# A day is read again from so long before it began: what was under way then has ended since.
_OVERLAP_S = 6 * 3600.0
_DAY_S = 86_400.0
# The log forgets after 30 days; what it has forgotten would look as if it lacked it.
_KEPT_S = 29 * _DAY_S


class Reconciled(msgspec.Struct, frozen=True):
    """All that Twilio lists of a tenant until then is on the log. Row and event in one; key: tenant."""

    tenant: str
    until: str


def fold(state: Reconciled | None, event: Reconciled) -> tuple[Reconciled, tuple[()]]:
    """The later one stands."""
    return (event if state is None or event.until > state.until else state), ()


def latest(now: str, at: time, zone: tzinfo) -> str:
    """The last moment, not after `now`, at which the clocks of a zone showed `at`.

    Where they skip it in spring it is the moment that they would have shown it; where they show it twice, the first.
    """
    moment = parse(now)
    today = moment.astimezone(zone).date()
    candidates = (datetime.combine(today - timedelta(days=ago), at, zone) for ago in (0, 1, 2))
    return next(to_iso(one) for one in candidates if one.timestamp() <= moment.timestamp())


def since(state: Reconciled | None, until: str) -> str:
    """Where the time begins that is to be held against Twilio's lists, to be whole until then."""
    begun = state.until if state else later(until, -_DAY_S)
    return max(later(begun, -_OVERLAP_S), later(until, -_KEPT_S))


def parts(since: str, until: str) -> Iterator[tuple[str, str]]:
    """What is held against the lists at a time: a day with what is read of it again, however long nobody did it."""
    while since < until:
        end = min(later(since, _DAY_S + _OVERLAP_S), until)
        yield since, end
        since = end
