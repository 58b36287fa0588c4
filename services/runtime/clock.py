"""The wall clock: the one place that knows what time it is, so that a test can move it.

Where `clock_skew_file` is set (tests and demos; never in production), the number of seconds that it holds is added.
The file is shared by the processes, so all of them move together. Time-outs and rates use the monotonic clock.
"""

import logging
import time
from pathlib import Path

from services.domain.clock import iso

logger = logging.getLogger(__name__)

_LOOK_AGAIN_S = 0.05


class Clock:
    """Milliseconds since 1970, and the same as it stands on the log."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._looked_at = 0.0
        self._skew_ms = 0

    def follow(self, skew_file: Path | None) -> None:
        """Add what this file says, from now on. None: be the system's clock."""
        self._file, self._looked_at, self._skew_ms = skew_file, 0.0, 0
        if skew_file is not None:
            logger.warning("the clock follows %s: for tests and demos only", skew_file)

    def milliseconds(self) -> int:
        if self._file is not None:
            self._look(self._file)
        return time.time_ns() // 1_000_000 + self._skew_ms

    def now(self) -> str:
        """This moment as it stands on the log."""
        return iso(self.milliseconds())

    def _look(self, file: Path) -> None:
        moment = time.monotonic()
        if moment - self._looked_at < _LOOK_AGAIN_S:
            return
        self._looked_at = moment
        try:
            self._skew_ms = int(float(file.read_text(encoding="ascii")) * 1000)
        except (OSError, ValueError, OverflowError):
            # Not there yet, or being written: as it was.
            return


CLOCK = Clock()
now = CLOCK.now
