"""Frequency caps: how many messages of one purpose a person gets within some days. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from services.domain.clock import later


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """At most so many messages within so many days, counted back from the moment."""

    messages: int
    days: float


class Capped(msgspec.Struct, frozen=True, kw_only=True):
    """A cap that is used up; `until`: the oldest of its messages does not count any more.

    `uncounted`: there are too many commands of the person's to count them, and `until` it is not looked at again.
    """

    cap: Cap
    until: str
    uncounted: bool = False


_DAY_S = 86_400.0


def look(now: str, sent: Iterable[str], caps: Sequence[Cap]) -> Capped | None:
    """Of the caps that are used up the one that lasts longest; None: one more may go. `sent`: when the others went."""
    moments = sorted(sent)
    used_up = [found for cap in caps if (found := _used_up(now, moments, cap))]
    return max(used_up, key=lambda one: one.until, default=None)


def _used_up(now: str, moments: Sequence[str], cap: Cap) -> Capped | None:
    since = later(now, -cap.days * _DAY_S)
    # A clock that ran ahead counts as now does.
    counted = [moment for moment in moments if moment > since]
    if len(counted) < cap.messages:
        return None
    return Capped(cap=cap, until=later(counted[-cap.messages], cap.days * _DAY_S))
