"""Decoded rows as they are committed, so that none is fetched and decoded again for each event and each look."""

from collections import OrderedDict
from typing import Any

import msgspec

# Of rows as encoded, with their keys and index entries, each partition. Decoded they take several times that.
_MOST_BYTES = 256 * 1024
# What each takes beside its row, as one that there is not takes too.
FRAME_BYTES = 128


class Known(msgspec.Struct, frozen=True):
    """A row, None where there is none; its index entries, where they are known; the bytes that it counts for."""

    row: Any
    entries: frozenset[bytes] | None
    size: int


class RowCache:
    """Rows of one partition by table and key, those least lately used dropped first. It lives while they are owned."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._rows: OrderedDict[tuple[str, str], Known] = OrderedDict()
        self._closed = False

    def get(self, name: tuple[str, str]) -> Known | None:
        """What is known of a row here."""
        found = self._rows.get(name)
        if found is not None:
            self._rows.move_to_end(name)
        return found

    def put(self, name: tuple[str, str], row: Any, size: int, entries: frozenset[bytes] | None = None) -> None:
        """Keep a row, which takes `size` bytes encoded; None: there is none."""
        if (known := self._rows.pop(name, None)) is not None:
            self._bytes -= known.size
        if self._closed:
            return
        beside = FRAME_BYTES + len(name[1]) + (sum(map(len, entries)) if entries else 0)
        self._rows[name] = kept = Known(row, entries, size + beside)
        self._bytes += kept.size
        while self._bytes > self._most_bytes:
            _, dropped = self._rows.popitem(last=False)
            self._bytes -= dropped.size

    def close(self) -> None:
        """Forget all, and keep nothing more: another may write these rows from now on."""
        self._closed = True
        self._rows.clear()
        self._bytes = 0
