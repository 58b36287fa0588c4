"""Rows on disk while a table is rebuilt: memory stays bounded, whatever the table's size."""

from collections.abc import Iterator
from pathlib import Path

from rocksdict import Rdict

from services.runtime.folding.memory import Memory
from services.runtime.folding.store import Rows, batch_of

_MEMORY_BYTES = 16 << 20
# No key of a row begins with it.
_TOUCHED = b"\xfe"


class Scratch:
    """The rows of one partition: of the shadow, or of the live table."""

    def __init__(self, folder: Path, memory: Memory) -> None:
        self._rows = Rdict(str(folder), options=memory.options())

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._rows.get(key)
        return value

    def apply(self, rows: Rows) -> None:
        """Write rows; None removes one."""
        self._rows.write(batch_of(rows))

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """All rows, in key order."""
        for key, value in self._rows.items():
            if key >= _TOUCHED:
                return
            yield key, value

    def touch(self, keys: set[str]) -> None:
        """Note that the log told something of these rows."""
        self.apply((_TOUCHED + key.encode(), b"") for key in keys)

    def touched(self, key: bytes) -> bool:
        return self.get(_TOUCHED + key) is not None

    def close(self) -> None:
        self._rows.close()


def make_memory() -> Memory:
    """What all scratch stores of a run share."""
    return Memory(_MEMORY_BYTES, _MEMORY_BYTES)
