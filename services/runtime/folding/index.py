"""Index rows: which rows are due when, and which are open. They are of the table, committed and restored with it."""

from collections.abc import Iterator
from typing import Any

from services.runtime.folding.fold import Emission, Table
from services.runtime.folding.store import INDEX, PartitionedStore

_DUE = INDEX + b"due "
_OPEN = INDEX + b"open "
_OPEN_END = INDEX + b"open!"
# `2026-02-21T18:22:11.123Z`.
_TIME = 24


def entries(table: Table, key: str, row: Any) -> frozenset[bytes]:
    """The index rows of a row. Raises ValueError for a due time that is none."""
    if row is None:
        return frozenset()
    found = set()
    if table.due is not None and (at := table.due(row)) is not None:
        if len(at) != _TIME:
            raise ValueError(f"{table.name}: a row is due at {at!r}, which is no time on the log")
        found.add(_DUE + at.encode() + b" " + key.encode())
    if table.opened is not None and table.opened(row):
        found.add(_OPEN + key.encode())
    return frozenset(found)


def key_of(entry: bytes) -> str:
    """The key of the row that an index row belongs to."""
    return (entry[len(_DUE) + _TIME + 1 :] if entry.startswith(_DUE) else entry[len(_OPEN) :]).decode(errors="replace")


def changes(was: frozenset[bytes], now: frozenset[bytes]) -> Iterator[Emission]:
    """The index rows that come and go with a changed row."""
    if was == now:
        return
    for gone in was - now:
        yield Emission("", gone, None, [])
    for come in now - was:
        yield Emission("", come, b"", [])


def due(store: PartitionedStore, partition: int, now: str, limit: int) -> list[tuple[str, bytes]]:
    """Keys of rows that are due at or before `now`, the longest due first, each with its index row."""
    found = store.keys(partition, _DUE, _DUE + now.encode() + b"!", limit)
    return [(key[len(_DUE) + _TIME + 1 :].decode(), key) for key in found]


def opened(store: PartitionedStore, partition: int, after: str | None, limit: int) -> list[str]:
    """Keys of open rows in order, those that come after `after`; None: from the first."""
    # The least key beyond it.
    start = _OPEN if after is None else _OPEN + after.encode() + b"\x00"
    return [key[len(_OPEN) :].decode() for key in store.keys(partition, start, _OPEN_END, limit)]
