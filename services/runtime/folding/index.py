"""Index rows: which rows are due when, and which are open. They are of the table, committed and restored with it."""

from collections.abc import Iterator
from typing import Any

from services.runtime.folding.fold import Emission, Table
from services.runtime.folding.overlay import Row
from services.runtime.folding.store import INDEX, PartitionedStore

_DUE = INDEX + b"due "
_OPEN = INDEX + b"open "
_OPEN_END = INDEX + b"open!"
# `2026-02-21T18:22:11.123Z` and a blank.
_TIME = 25


def changes(table: Table, key: str, row: Row) -> Iterator[Emission]:
    """The index rows that come and go with a changed row."""
    before, after = _entries(table, key, row.committed), _entries(table, key, row.value)
    for gone in before - after:
        yield Emission("", gone, None, [])
    for come in after - before:
        yield Emission("", come, b"", [])


def due(store: PartitionedStore, partition: int, now: str, limit: int) -> list[str]:
    """Keys of rows that are due at or before `now`, the longest due first."""
    found = store.keys(partition, _DUE, _DUE + now.encode() + b"!", limit)
    return [key[len(_DUE) + _TIME :].decode() for key in found]


def opened(store: PartitionedStore, partition: int, after: str, limit: int) -> list[str]:
    """Keys of open rows in order, those that come after `after`."""
    # The least key beyond it.
    start = _OPEN + after.encode() + b"\x00" if after else _OPEN
    return [key[len(_OPEN) :].decode() for key in store.keys(partition, start, _OPEN_END, limit)]


def _entries(table: Table, key: str, row: Any) -> frozenset[bytes]:
    if row is None:
        return frozenset()
    found = set()
    if table.due is not None and (at := table.due(row)) is not None:
        found.add(_DUE + at.encode() + b" " + key.encode())
    if table.opened is not None and table.opened(row):
        found.add(_OPEN + key.encode())
    return frozenset(found)
