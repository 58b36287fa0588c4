"""Index entries: which rows are due when, and what they are listed under.

They follow from their row (`entries`). They lie beside the rows in a worker's own store, are written in one batch with
their row, and stand on no changelog: a store that is restored derives them.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from services.contract import codec
from services.runtime.folding.fold import Table

# No text in UTF-8 begins with this: entries lie apart from rows, in the same database.
INDEX = b"\xff"
# Beyond all that begins with the same text.
_END = b"\xff"
INDEX_END = INDEX + _END

_DUE = INDEX + b"due "
_LISTED = INDEX + b"listed "
_UNREADABLE = INDEX + b"unreadable "
# Between a name and the key; no name has it.
_KEY = b"\x00"
# Beyond every character that a name goes on with.
_LAST = "\U0010ffff"
# `2026-02-21T18:22:11.123Z`.
_TIME = 24
_NONE = frozenset[bytes]()
# Of how entries are written; a table has a version of its own for what it says of its rows.
_LAYOUT = 1


# The keys of a partition's rows and entries in order, from one up to, not including, another.
Keys = Callable[[bytes, bytes], Iterable[bytes]]


class Listed(NamedTuple):
    """A name that a row is listed under, and the row's key."""

    name: str
    key: str


def beyond(prefix: str) -> Listed:
    """The place behind all that is listed under names that begin with `prefix`."""
    return Listed(prefix + _LAST, "")


def is_indexed(table: Table) -> bool:
    return table.due is not None or table.lists is not None


def version(table: Table) -> bytes:
    """What a store's index is the index of; no blank in it."""
    return b"%d.%d" % (_LAYOUT, table.index) if is_indexed(table) else b"0"


def entries(table: Table, key: str, row: Any) -> frozenset[bytes]:
    """The entries of a row; None has none. Raises ValueError for a time or a name that cannot be one."""
    if row is None or not is_indexed(table):
        return _NONE
    found, own = [], key.encode()
    if table.due is not None and (at := table.due(row)) is not None:
        if len(at) != _TIME:
            raise ValueError(f"{table.name}: a row is due at {at!r}, which is no time on the log")
        found.append(_DUE + at.encode() + b" " + own)
    if table.lists is not None:
        for name in table.lists(row):
            if "\x00" in name:
                raise ValueError(f"{table.name}: a row cannot be listed under {name!r}")
            found.append(_LISTED + name.encode() + _KEY + own)
    return frozenset(found)


def entries_of(table: Table, key: bytes, value: bytes | None) -> frozenset[bytes]:
    """The entries of a row as it is stored. One that cannot be read has an entry that says so."""
    if value is None or not is_indexed(table):
        return frozenset()
    try:
        return entries(table, key.decode(), codec.decode(value, table.row))
    except (codec.DecodeError, ValueError):
        return frozenset((_UNREADABLE + key,))


def due(keys: Keys, now: str, limit: int) -> list[str]:
    """Keys of rows that are due at or before `now`, the longest due first."""
    found = keys(_DUE, _DUE + now.encode() + b"!")
    return [key[len(_DUE) + _TIME + 1 :].decode() for key in islice(found, limit)]


def listed(keys: Keys, prefix: str, after: Listed | None, limit: int) -> list[Listed]:
    """What is listed under names that begin with `prefix`, in order of name and key, beyond `after` if given."""
    start = _LISTED + prefix.encode()
    found = keys(start if after is None else _entry(after) + b"\x00", start + _END)
    return [_listed(entry) for entry in islice(found, limit)]


def has_unreadable(keys: Keys) -> bool:
    """Is there a row that this release cannot read? No list would ever name it."""
    return any(True for _ in keys(_UNREADABLE, _UNREADABLE + _END))


def _entry(listed: Listed) -> bytes:
    return _LISTED + listed.name.encode() + _KEY + listed.key.encode()


def _listed(entry: bytes) -> Listed:
    name, _, key = entry[len(_LISTED) :].partition(_KEY)
    return Listed(name.decode(), key.decode())
