"""Index rows: which rows are due when, and what they are listed under. They are of the table, committed and restored
with it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from services.runtime.folding.fold import Emission, Table
from services.runtime.folding.store import INDEX, PartitionedStore

_DUE = INDEX + b"due "
_LISTED = INDEX + b"listed "
# Between a name and the key; no name has it.
_KEY = b"\x00"
# Beyond all that begins with the same text.
_END = b"\xff"
# `2026-02-21T18:22:11.123Z`.
_TIME = 24


class Listed(NamedTuple):
    """A name that a row is listed under, and the row's key."""

    name: str
    key: str


def entries(table: Table, key: str, row: Any) -> frozenset[bytes]:
    """The index rows of a row. Raises ValueError for a due time that is none, and for a name that can be none."""
    if row is None:
        return frozenset()
    found = set()
    if table.due is not None and (at := table.due(row)) is not None:
        if len(at) != _TIME:
            raise ValueError(f"{table.name}: a row is due at {at!r}, which is no time on the log")
        found.add(_DUE + at.encode() + b" " + key.encode())
    if table.lists is not None:
        for name in table.lists(row):
            if "\x00" in name:
                raise ValueError(f"{table.name}: a row cannot be listed under {name!r}")
            found.add(_entry(Listed(name, key)))
    return frozenset(found)


def key_of(entry: bytes) -> str:
    """The key of the row that an index row belongs to."""
    key = entry[len(_DUE) + _TIME + 1 :] if entry.startswith(_DUE) else entry.partition(_KEY)[2]
    return key.decode(errors="replace")


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


def listed(store: PartitionedStore, partition: int, prefix: str, after: Listed | None, limit: int) -> list[Listed]:
    """What is listed under names that begin with `prefix`, in order of name and key, beyond `after` if given."""
    start = _LISTED + prefix.encode()
    found = store.keys(partition, start if after is None else _entry(after) + b"\x00", start + _END, limit)
    return [_listed(entry) for entry in found]


def _entry(listed: Listed) -> bytes:
    return _LISTED + listed.name.encode() + _KEY + listed.key.encode()


def _listed(entry: bytes) -> Listed:
    name, _, key = entry[len(_LISTED) :].partition(_KEY)
    return Listed(name.decode(), key.decode())
