"""The rows of one partition as they are folded: read through a cache, found by what their index says.

They are read before they are committed. Whatever follows from such a row is committed after it, or with it; who acts
outside of the log by one submits an event first, and waits until that is committed, or does what may be done twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from itertools import islice
from typing import Any

from services.contract import codec
from services.runtime.folding import index
from services.runtime.folding.ahead import Ahead
from services.runtime.folding.cache import RowCache
from services.runtime.folding.fold import Table
from services.runtime.folding.index import Keys, Listed
from services.runtime.folding.store import PartitionedStore


class Rows:
    """Rows by table and key; where no table is named, of the first."""

    def __init__(self, partition: int, tables: Iterable[Table], stores: Mapping[str, PartitionedStore]) -> None:
        self._partition = partition
        self._tables = {table.name: table for table in tables}
        self._first = next(iter(self._tables), "")
        self._stores = stores
        self._cache = RowCache()
        # Flushes that are not committed, the newest first: what is folded now, and what is being written.
        self._ahead: list[Ahead] = []

    def begin(self) -> Ahead:
        """A flush begins. Its rows are read as it tells them, until it is kept."""
        ahead = Ahead()
        self._ahead.insert(0, ahead)
        return ahead

    def keep(self, ahead: Ahead) -> None:
        """A flush is committed and stored: the oldest that is not."""
        if ahead in self._ahead:
            self._ahead.remove(ahead)
        for place, row in ahead.rows.items():
            self._cache.put(place, row.value, len(row.encoded or b""), row.entries)

    def read(self, key: str, table: str | None = None) -> Any:
        """A row, or None; None too where there is no such table."""
        place = table or self._first, key
        for ahead in self._ahead:
            if (folded := ahead.rows.get(place)) is not None:
                return folded.value
        known = self._cache.get(place)
        if known is not None:
            return known.row
        found = self._tables.get(place[0])
        return None if found is None else self._fetch(found, key)

    def row(self, table: Table, key: str) -> Any:
        """A row of a table of the fold, or None."""
        return self.read(key, table.name)

    def entries(self, table: Table, key: str, row: Any) -> frozenset[bytes]:
        """The index entries of a row that was just read."""
        place = table.name, key
        for ahead in self._ahead:
            if (folded := ahead.rows.get(place)) is not None:
                return folded.entries
        known = self._cache.get(place)
        if known is not None and known.row is row and known.entries is not None:
            return known.entries
        return index.entries(table, key, row)

    def listed(self, table: str, prefix: str, after: Listed | None, limit: int) -> list[Listed]:
        """Where rows are listed under names that begin with `prefix`: at most `limit`, after `after`."""
        return index.listed(self._keys(table), prefix, after, limit)

    def under(self, table: str, prefix: str, limit: int) -> list[str]:
        """Keys of rows that begin with `prefix`: at most `limit`, in order."""
        start = prefix.encode()
        # Beyond every text that goes on with it; before what is no row.
        found = self._keys(table)(start, start + b"\xfe")
        return [key.decode() for key in islice(found, limit)]

    def due(self, table: Table, now: str, limit: int) -> list[str]:
        """Keys of rows that are due by `now`, the longest due first: at most `limit`."""
        return index.due(self._keys(table.name), now, limit)

    def close(self) -> None:
        """Know nothing more: another may write these rows from now on."""
        self._cache.close()
        self._ahead = []

    def _keys(self, table: str) -> Keys:
        stored = partial(self._stores[table].keys, self._partition)
        ahead = [one for one in self._ahead if one.touches(table)]
        return partial(_merged, stored, table, ahead) if ahead else stored

    def _fetch(self, table: Table, key: str) -> Any:
        value = self._stores[table.name].partition(self._partition).get(key.encode())
        row = None if value is None else codec.decode(value, table.row)
        self._cache.put((table.name, key), row, len(value or b""))
        return row


def _merged(stored: Keys, table: str, newest_first: Sequence[Ahead], start: bytes, end: bytes) -> Iterator[bytes]:
    """The keys that a store has, without those that have gone, with those that have come, in order."""
    come: list[bytes] = []
    for one in reversed(newest_first):
        less = one.gone(table)
        come = [key for key in come if key not in less] + one.come(table, start, end)
    gone = [one.gone(table) for one in newest_first]
    return merge((key for key in stored(start, end) if not any(key in less for less in gone)), sorted(come))
