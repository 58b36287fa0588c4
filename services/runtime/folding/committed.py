"""The rows of one partition as they are committed: read through a cache, found by what their index says.

Rows of tables that are unhurried are read as they are folded, before they are committed: whatever follows from one of
them is committed after it, or with it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.contract import codec
from services.runtime.folding import index
from services.runtime.folding.cache import RowCache
from services.runtime.folding.fold import Table
from services.runtime.folding.index import Listed
from services.runtime.folding.overlay import Row
from services.runtime.folding.store import Change, PartitionedStore


class Committed:
    """Rows by table and key; where no table is named, of the first."""

    def __init__(self, partition: int, tables: Iterable[Table], stores: Mapping[str, PartitionedStore]) -> None:
        self._partition = partition
        self._tables = {table.name: table for table in tables}
        self._first = next(iter(self._tables), "")
        self._stores = stores
        self._cache = RowCache()
        self.unhurried = {name for name, table in self._tables.items() if table.unhurried}
        self._ahead: Mapping[tuple[str, str], Row] = {}

    def read(self, key: str, table: str | None = None) -> Any:
        """A row, or None; None too where there is no such table."""
        name = table or self._first
        if name in self.unhurried and (folded := self._ahead.get((name, key))) is not None:
            return folded.value
        known = self._cache.get((name, key))
        if known is not None:
            return known.row
        found = self._tables.get(name)
        return None if found is None else self._fetch(found, key)

    def row(self, table: Table, key: str) -> Any:
        """A row of a table of the fold, or None."""
        known = self._cache.get((table.name, key))
        return self._fetch(table, key) if known is None else known.row

    def rows(self, table: str | None = None) -> Iterator[Any]:
        """All rows, in key order."""
        found = self._tables.get(table or self._first)
        if found is not None:
            for _, value in self._stores[found.name].rows(self._partition):
                yield codec.decode(value, found.row)

    def listed(self, table: str, prefix: str, after: Listed | None, limit: int) -> list[Listed]:
        """Where rows are listed under names that begin with `prefix`: at most `limit`, after `after`."""
        return index.listed(self._stores[table], self._partition, prefix, after, limit)

    def under(self, table: str, prefix: str, limit: int) -> list[str]:
        """Keys of rows that begin with `prefix`: at most `limit`, in order."""
        start = prefix.encode()
        keys = self._stores[table].keys(self._partition, start, start + b"\xff", limit)
        return [key.decode() for key in keys]

    def due(self, table: Table, now: str, limit: int) -> list[str]:
        """Keys of rows that are due by `now`, the longest due first: at most `limit`."""
        return index.due(self._stores[table.name], self._partition, now, limit)

    def show(self, rows: Mapping[tuple[str, str], Row]) -> None:
        """Those of unhurried tables are read as they are here, until they are kept; by key, not by their index."""
        self._ahead = rows

    def changes(self, rows: Mapping[tuple[str, str], Row]) -> dict[str, list[Change]]:
        """What is to be written that these rows are committed, by table."""
        changes: dict[str, list[Change]] = {}
        for (name, key), row in rows.items():
            known = self._cache.get((name, key))
            had = known.entries if known is not None and known.row is row.committed else None
            if had is None:
                had = index.entries(self._tables[name], key, row.committed)
            changes.setdefault(name, []).append(Change(key.encode(), row.encoded, had, row.entries))
        return changes

    def keep(self, rows: Mapping[tuple[str, str], Row]) -> None:
        """Know these rows: they are committed now, and stored."""
        self._ahead = {}
        for place, row in rows.items():
            self._cache.put(place, row.value, len(row.encoded or b""), row.entries)

    def close(self) -> None:
        """Know nothing more: another may write these rows from now on."""
        self._cache.close()

    def _fetch(self, table: Table, key: str) -> Any:
        value = self._stores[table.name].partition(self._partition).get(key.encode())
        row = None if value is None else codec.decode(value, table.row)
        self._cache.put((table.name, key), row, len(value or b""))
        return row
