"""How far apart the fetches of an app begin.

Under load a broker would answer each at once, with a record or two, and each names all partitions that are read: at 500
records a second fetches and what they led to were most of what a worker and its broker spent. After a rest the first
record is answered with at once, as ever.
"""

from collections.abc import Callable

# So far apart at the least, and as long as so many flushes take to be written, which tells how busy all is: where
# somebody waits for what comes of records, and where nobody does.
_APART_S = 0.008
_AWAITED, _UNAWAITED = 1.0, 2.0
# Until what is wanted is fetched: a part of a flush's writing.
_SOON = 0.25
# However slow the broker is.
_LONGEST_S = 0.25
# A flush's writing is what it took the latest so many.
_WRITES = 8


class Pace:
    """Of an app of which somebody awaits what comes, or nobody."""

    def __init__(self, is_awaited: bool) -> None:
        self._writes = _AWAITED if is_awaited else _UNAWAITED
        self._write_s = 0.0
        self._is_wanted = False
        # The consumer's, which decides anew what to fetch.
        self.wake: Callable[[], None] = lambda: None

    @property
    def seconds(self) -> float:
        """How long after the last fetch the next one may begin."""
        if self._is_wanted:
            return min(_LONGEST_S, _SOON * self._write_s)
        return min(_LONGEST_S, max(_APART_S, self._writes * self._write_s))

    def want(self) -> None:
        """Somebody waits for what is on the log: the next fetch begins soon."""
        if not self._is_wanted:
            self._is_wanted = True
            self.wake()

    def begun(self) -> None:
        """A fetch begins. Who waits on when it is folded wants again."""
        self._is_wanted = False

    def wrote(self, took_s: float) -> None:
        """A flush took so long to be written."""
        # A broker that was away is no slow one.
        took_s = min(took_s, _LONGEST_S)
        self._write_s += (took_s - self._write_s) / _WRITES if self._write_s else took_s
