"""A rebuilt table in a file, with the offsets up to which it was folded: where a later rebuild may begin.

One JSON value a line: the head, a line for each row, and at the end how many there are. It holds what the table holds,
addresses among it, so its owner alone may read it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import msgspec
from aiokafka import TopicPartition

from services.operations.rebuild.errors import RebuildError
from services.operations.rebuild.plan import Plan, Service
from services.operations.rebuild.shadow import Shadow

T = TypeVar("T")

_AT_ONCE = 1000


class Head(msgspec.Struct, frozen=True, tag_field="switchboard", tag="table snapshot"):
    """`sources`: topic → by partition the offset that comes next."""

    table: str
    service: Service
    sources: dict[str, list[int]]


class _End(msgspec.Struct, frozen=True):
    rows: int


class _Row(NamedTuple):
    partition: int
    key: str
    row: msgspec.Raw


def save(file: Path, plan: Plan, shadows: Sequence[Shadow]) -> int:
    """Write the shadows' rows, in the order of partitions; all or nothing. Returns how many there are."""
    half = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            count = _write(out, plan, shadows)
            out.flush()
            os.fsync(out.fileno())
        half.replace(file)
    except OSError as error:
        raise RebuildError(f"the snapshot cannot be written to {file} ({error.strerror}); name another file") from error
    finally:
        half.unlink(missing_ok=True)
    return count


def _write(out: BinaryIO, plan: Plan, shadows: Sequence[Shadow]) -> int:
    sources = {
        topic.name: [shadow.at[TopicPartition(topic.name, number)] for number, shadow in enumerate(shadows)]
        for topic in plan.shadow.sources
    }
    count = 0
    out.write(msgspec.json.encode(Head(plan.table.name, plan.service, sources)) + b"\n")
    for number, shadow in enumerate(shadows):
        for key, value in shadow.rows.rows():
            out.write(msgspec.json.encode(_Row(number, key.decode(), msgspec.Raw(value))) + b"\n")
            count += 1
    out.write(msgspec.json.encode(_End(count)) + b"\n")
    return count


class Snapshot:
    """A file that was saved. Raises RebuildError for one that is not of this table, or not whole."""

    def __init__(self, file: Path, plan: Plan, partitions: int) -> None:
        self._file = file
        self.head = self._head()
        wanted = {topic.name for topic in plan.shadow.sources}
        if (self.head.table, self.head.service) != (plan.table.name, plan.service):
            raise RebuildError(f"{file} is a snapshot of {self.head.table} of the {self.head.service}; name another")
        if set(self.head.sources) != wanted or {len(one) for one in self.head.sources.values()} != {partitions}:
            raise RebuildError(f"{file} was saved of other topics or partitions than there are now; save a new one")

    def at(self, partition: int) -> Mapping[str, int]:
        """By topic the offset that comes next."""
        return {topic: offsets[partition] for topic, offsets in self.head.sources.items()}

    def rows(self) -> Iterator[tuple[int, list[tuple[bytes, bytes]]]]:
        """Rows, some at a time, with their partition."""
        count = 0
        waiting: list[tuple[bytes, bytes]] = []
        partition = 0
        with self._file.open("rb") as lines:
            next(lines)
            for line in lines:
                if not line.startswith(b"["):
                    break
                row = self._decode(line, _Row)
                count += 1
                if waiting and (row.partition != partition or len(waiting) == _AT_ONCE):
                    yield partition, waiting
                    waiting = []
                partition = row.partition
                waiting.append((row.key.encode(), bytes(row.row)))
            else:
                line = b""
        if self._decode(line, _End).rows != count:
            raise self._not_whole()
        yield partition, waiting

    def _head(self) -> Head:
        try:
            with self._file.open("rb") as lines:
                return self._decode(lines.readline(), Head)
        except OSError as error:
            raise RebuildError(f"the snapshot {self._file} cannot be read: {error.strerror}") from error

    def _decode(self, line: bytes, type_: type[T]) -> T:
        try:
            return msgspec.json.decode(line, type=type_)
        except msgspec.DecodeError:
            raise self._not_whole() from None

    def _not_whole(self) -> RebuildError:
        return RebuildError(f"{self._file} is no whole snapshot; use another one, or none")
