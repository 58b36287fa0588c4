"""The simulator's wall clock: the clock that all our services share, so that a test moves them together.

Latencies, due times and time-outs use the monotonic clock: moving the time makes nothing happen sooner.
"""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.runtime.clock import CLOCK

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """This moment, in UTC, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=CLOCK.milliseconds())


def ahead_s(skew_file: Path | None) -> float:
    """By how many seconds the file moves the clock; 0 without a file."""
    try:
        return float(skew_file.read_text(encoding="ascii")) if skew_file else 0.0
    except (OSError, ValueError):
        return 0.0


def move(skew_file: Path, seconds: float) -> None:
    """Write it into the file, and see it here at once; other processes see it when they look again."""
    skew_file.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place: the first digits of a number are a number too, and somebody may be reading.
    handle, aside = tempfile.mkstemp(dir=skew_file.parent, prefix=f".{skew_file.name}.")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{seconds:.3f}")
    # Readable for the other services' users, unlike what mkstemp makes.
    Path(aside).chmod(0o644)
    Path(aside).replace(skew_file)
    CLOCK.follow(skew_file)
