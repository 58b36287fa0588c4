"""Times as they stand on the log: ISO 8601, UTC, milliseconds. The clock itself is not here; it comes from outside.

Times saturate: what lies before the year 1 or after 9999 is the first or the last moment there is. A record's
timestamp and a `not_after` are anybody's to choose, and none of them may be an error of arithmetic.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

FIRST = "0001-01-01T00:00:00.000Z"
LAST = "9999-12-31T23:59:59.999Z"
# Of what is remembered: a fraction may have digits without end.
_LONGEST = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(milliseconds: int) -> str:
    """Milliseconds since 1970 → `2026-02-21T18:22:11.123Z`."""
    seconds, rest = divmod(milliseconds, 1000)
    try:
        return f"{_second(seconds)}{rest:03d}Z"
    except OverflowError:
        return LAST if milliseconds > 0 else FIRST


# Most moments lie in the second of the one before.
@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").removesuffix("000+00:00")


def later(moment: str, seconds: float) -> str:
    """A moment some seconds after (or before) another. Raises ValueError for what is no time."""
    return _later(moment, seconds) if len(moment) <= _LONGEST else _later.__wrapped__(moment, seconds)


# A row's end is asked for each time that it changes.
@lru_cache(maxsize=4096)
def _later(moment: str, seconds: float) -> str:
    start = parse(moment)
    try:
        return to_iso(start + timedelta(seconds=seconds))
    except OverflowError:
        return LAST if seconds > 0 else FIRST


def to_iso(moment: datetime) -> str:
    """An aware datetime as it stands on the log."""
    try:
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:
        return LAST if moment.year > 1 else FIRST


def parse(moment: str) -> datetime:
    """An aware datetime. Raises ValueError for what is no time, or has no zone."""
    found = datetime.fromisoformat(moment)
    if found.tzinfo is None:
        raise ValueError("a time needs its zone, such as Z or +01:00")
    return found


def seconds_between(earlier: str, afterwards: str) -> float:
    """How long from one moment to another; negative if they stand the other way round."""
    return (parse(afterwards) - parse(earlier)).total_seconds()


def took_s(earlier: str, afterwards: str) -> float | None:
    """The same for who watches: never negative, as clocks differ. None where either is no time, as the log may hold."""
    try:
        return max(0.0, seconds_between(earlier, afterwards))
    except ValueError:
        return None
