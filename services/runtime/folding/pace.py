"""How far apart the fetches of an app begin.

Under load a broker would answer each at once, with a record or two, and each names all partitions that are read: at 500
records a second fetches and what they led to were most of what a worker and its broker spent. After a rest the first
record is answered with at once, as ever.
"""

from collections.abc import Callable

# What a flush takes to be written, by the latest so many.
_WRITES = 16
# However slow the broker is.
_LONGEST_S = 0.25


class Pace:
    """`apart_s` where nobody is known to wait; a flush that takes longer to be written tells that all is busy."""

    def __init__(self, apart_s: float) -> None:
        self._apart_s = apart_s
        self._write_s = 0.0
        self._is_wanted = False
        # The consumer's, which decides anew what to fetch.
        self.wake: Callable[[], None] = lambda: None

    @property
    def seconds(self) -> float:
        """How long after the last fetch the next one may begin."""
        if self._is_wanted:
            return min(_LONGEST_S, self._write_s / 2)
        return min(_LONGEST_S, max(self._apart_s, self._write_s))

    def want(self) -> None:
        """Somebody waits for what is on the log: the next fetch begins soon."""
        if not self._is_wanted:
            self._is_wanted = True
            self.wake()

    def begun(self) -> None:
        """A fetch begins, and brings what was wanted."""
        self._is_wanted = False

    def wrote(self, took_s: float) -> None:
        """A flush took so long to be written."""
        self._write_s += (took_s - self._write_s) / _WRITES
