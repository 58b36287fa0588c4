"""Decoded rows as they are committed, so that none is fetched and decoded again for each event and each look."""

from collections import OrderedDict
from typing import Any

# Of rows as encoded, each partition. Decoded they take several times that.
_MOST_BYTES = 256 * 1024


class RowCache:
    """Rows of one partition by table and key, those least lately used dropped first. It lives while they are owned."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._rows: OrderedDict[tuple[str, str], tuple[Any, int]] = OrderedDict()
        self._closed = False

    def get(self, name: tuple[str, str]) -> Any:
        """A row, or None where it is not known here."""
        found = self._rows.get(name)
        if found is None:
            return None
        self._rows.move_to_end(name)
        return found[0]

    def put(self, name: tuple[str, str], row: Any, size: int) -> None:
        """Keep a row, which takes `size` bytes encoded; None: there is none."""
        if (known := self._rows.pop(name, None)) is not None:
            self._bytes -= known[1]
        if row is None or self._closed:
            return
        self._rows[name] = row, size
        self._bytes += size
        while self._bytes > self._most_bytes:
            _, (_, dropped) = self._rows.popitem(last=False)
            self._bytes -= dropped

    def close(self) -> None:
        """Forget all, and keep nothing more: another may write these rows from now on."""
        self._closed = True
        self._rows.clear()
        self._bytes = 0
