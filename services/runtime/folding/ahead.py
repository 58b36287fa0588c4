"""What is folded of one partition and not committed yet: which rows a flush changes, which keys come and go by it."""

from bisect import bisect_left, insort
from collections.abc import Iterable

from services.runtime.folding.overlay import Moved, Row


class Ahead:
    """Of one flush. Keys are those of rows and of index entries, as the store has them."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        # By table, in order.
        self._come: dict[str, list[bytes]] = {}
        self._gone: dict[str, set[bytes]] = {}

    def add(self, moved: Iterable[Moved]) -> None:
        """Rows have changed, perhaps again."""
        for (table, key), before, had, row in moved:
            self.rows[table, key] = row
            go, come = had - row.entries, row.entries - had
            if before is None and row.value is not None:
                come |= {key.encode()}
            elif before is not None and row.value is None:
                go |= {key.encode()}
            if go or come:
                self._turn(table, go, come)

    def gone(self, table: str) -> set[bytes]:
        """The keys of a table that stood before, and stand no more."""
        return self._gone.get(table, set())

    def come(self, table: str, start: bytes, end: bytes) -> list[bytes]:
        """The keys of a table that did not stand before, from `start` up to, not including, `end`."""
        come = self._come.get(table, [])
        return come[bisect_left(come, start) : bisect_left(come, end)]

    def touches(self, table: str) -> bool:
        """Whether any key of a table comes or goes."""
        return table in self._come

    def _turn(self, table: str, go: Iterable[bytes], come: Iterable[bytes]) -> None:
        have_come, have_gone = self._come.setdefault(table, []), self._gone.setdefault(table, set())
        for key in go:
            at = bisect_left(have_come, key)
            if at < len(have_come) and have_come[at] == key:
                del have_come[at]
            else:
                have_gone.add(key)
        for key in come:
            # It stays among those that have gone: the store's is not shown then, and this one is.
            insort(have_come, key)
