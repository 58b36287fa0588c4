"""The time range that is asked about."""

from datetime import datetime, timedelta
from typing import NamedTuple

from services.domain.clock import later, parse
from services.operations.backfill.errors import BackfillError
from services.operations.times import TimeError, milliseconds, moment

_DEFAULT_S = 86_400.0


class Window(NamedTuple):
    """From `since` on and before `until`, both as times stand on the log."""

    since: str
    until: str

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, str) and self.since <= moment < self.until

    @property
    def since_ms(self) -> int:
        """`since` in milliseconds since 1970."""
        return milliseconds(self.since)

    def days(self) -> tuple[datetime, datetime]:
        """Whole days in UTC that hold the window, for a filter that may count days, with or without its ends."""
        first, last = (parse(at).replace(hour=0, minute=0, second=0, microsecond=0) for at in self)
        return first - timedelta(seconds=1), last + timedelta(days=1)


def window(since: str | None, until: str | None, now: str, kept: timedelta) -> Window:
    """What was asked for; by default the last 24 hours. `kept`: how far back the log reaches.

    Raises TimeError for what is no time and for an empty range, BackfillError for one of which the log has forgotten a
    part.
    """
    # Nothing was sent later than now, and a day after the last moment there is would be none.
    end = min(moment("--until", until) if until else now, now)
    start = moment("--since", since) if since else later(end, -_DEFAULT_S)
    if start >= end:
        raise TimeError(f"--since {start} is not before --until {end}; give an earlier --since")
    oldest = later(now, -kept.total_seconds())
    if start < oldest:
        raise BackfillError(
            f"--since {start} is further back than the log reaches ({kept.days} days): what it has forgotten would "
            f"look as if it lacked it. Give a --since after {oldest}"
        )
    return Window(start, end)
