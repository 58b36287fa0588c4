"""One partition of one fold: what waits, and the flush that folds it.

The order of a flush is the promise: fold over an overlay of the table → commit derived events and changelog rows
in one transaction → write the rows with their changelog offset locally, in one batch → move the mark that the
consumer commits. A kill between any two repeats work and loses none.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from services.contract import codec
from services.runtime import metrics
from services.runtime.failpoints import reach
from services.runtime.folding.fold import Emission, Fold, Record
from services.runtime.folding.ledger import Ledger
from services.runtime.folding.overlay import Overlay
from services.runtime.folding.store import PartitionedStore

# A flush is one transaction and must be over long before that times out.
_MAX_FLUSH_BYTES = 8 << 20


class Local(NamedTuple):
    """An event of this process's own (the sender's attempts), folded in order with what comes off the log."""

    event: Any
    committed: "asyncio.Future[None]"


class Flush(NamedTuple):
    """What one flush came to: rows by key (None: removed) as values, not bytes; last offset by (topic, partition)."""

    rows: Mapping[str, Any]
    folded: Mapping[tuple[str, int], int]


class Partition:
    """Queues records and local events of one partition, and folds them in flushes."""

    def __init__(
        self, fold: Fold, partition: int, ledger: Ledger, store: PartitionedStore | None, max_batch: int
    ) -> None:
        self.fold = fold
        self.partition = partition
        self._ledger = ledger
        self._store = store
        self._max_batch = max_batch
        self._waiting: deque[Record | Local] = deque()
        self._waiting_bytes = 0
        self._accepted: dict[str, int] = {}
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    async def put(self, topic: str, records: Sequence[Any]) -> None:
        """Queue consumed records of one topic; waits while too many wait. Those seen before are passed over."""
        seen = self._accepted.get(topic, -1)
        if self._closed:
            return
        # A seek to the committed offset, which ends every restore, may hand the same records out twice.
        fresh = [_record(record) for record in records if record.offset > seen]
        self._waiting.extend(fresh)
        self._waiting_bytes += sum(map(_size, fresh))
        self._accepted[topic] = max(seen, records[-1].offset)
        self._arrived.set()
        if self._crowded():
            self._room.clear()
            await self._room.wait()

    async def submit(self, event: Any) -> None:
        """Fold an event of our own; returns when it is committed. CancelledError: the partition was lost first."""
        if self._closed:
            raise asyncio.CancelledError
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Local(event, committed))
        self._arrived.set()
        await committed

    async def run(self, flushed: Callable[["Partition", Flush], Awaitable[None]]) -> None:
        """Flush until closed. Errors come out: fenced, or a broken broker; the process is to stop."""
        while True:
            await self._arrived.wait()
            if self._closed:
                return
            batch = self._take()
            started = time.perf_counter()
            try:
                flush = await self._flush(batch)
            except BaseException:
                _cancel(batch)
                raise
            await flushed(self, flush)
            metrics.FLUSH_SECONDS.labels(self.fold.name).observe(time.perf_counter() - started)

    def close(self) -> None:
        """Take nothing more, and forget what waits: its next owner folds it. Those who submitted are cancelled.

        A flush under way goes on to its end; then `run` returns.
        """
        self._closed = True
        self._arrived.set()
        dropped, self._waiting = self._waiting, deque()
        self._waiting_bytes = 0
        metrics.DROPPED.labels(self.fold.name).inc(len(dropped))
        self._room.set()
        _cancel(dropped)

    def read(self, key: str) -> Any:
        """The row of a key as it is committed, or None."""
        table = self.fold.table
        if table is None or self._store is None:
            return None
        value = self._store.partition(self.partition).get(key.encode())
        return None if value is None else codec.decode(value, table.row)

    def rows(self) -> Iterator[Any]:
        """All committed rows, in key order."""
        if self.fold.table is None or self._store is None:
            return
        for _, value in self._store.rows(self.partition):
            yield codec.decode(value, self.fold.table.row)

    async def _flush(self, batch: Sequence[Record | Local]) -> Flush:
        overlay = self._fold(batch)
        reach("flush.folded")
        rows = [Emission("", key.encode(), row.encoded, []) for key, row in overlay.rows.items()]
        if overlay.emissions or rows:
            changelog = self._store.changelog if self._store is not None else None
            offset = await self._ledger.write(overlay.emissions, changelog, self.partition, rows)
            if self._store is not None and rows:
                self._store.apply(self.partition, [(row.key, row.value) for row in rows], offset)
        reach("flush.applied")
        for item in batch:
            if isinstance(item, Local) and not item.committed.done():
                item.committed.set_result(None)
        metrics.FOLDED.labels(self.fold.name).inc(len(batch))
        for topic, count in Counter(emission.topic for emission in overlay.emissions).items():
            metrics.EMITTED.labels(self.fold.name, topic).inc(count)
        return Flush({key: row.value for key, row in overlay.rows.items()}, overlay.folded)

    def _fold(self, batch: Sequence[Record | Local]) -> Overlay:
        overlay = Overlay(self.fold, self.read)
        for item in batch:
            if isinstance(item, Record):
                overlay.record(item)
                continue
            try:
                overlay.local(item.event)
            except ValueError as error:
                # Who submitted it may have been cancelled meanwhile.
                if not item.committed.done():
                    item.committed.set_exception(error)
        return overlay

    def _take(self) -> list[Record | Local]:
        """What the next flush folds: a bounded number of records, of a bounded size."""
        batch: list[Record | Local] = []
        size = 0
        while self._waiting and len(batch) < self._max_batch and size < _MAX_FLUSH_BYTES:
            item = self._waiting.popleft()
            size += _size(item)
            batch.append(item)
        self._waiting_bytes -= size
        if not self._waiting:
            self._arrived.clear()
        if not self._crowded():
            self._room.set()
        return batch

    def _crowded(self) -> bool:
        return len(self._waiting) >= 2 * self._max_batch or self._waiting_bytes >= 2 * _MAX_FLUSH_BYTES


def _cancel(items: Iterable[Record | Local]) -> None:
    """Tell those who submitted that their events are not folded here."""
    for item in items:
        if isinstance(item, Local):
            item.committed.cancel()


def _record(consumed: Any) -> Record:
    return Record(
        consumed.topic,
        consumed.partition,
        consumed.offset,
        consumed.timestamp,
        consumed.key,
        consumed.value,
        consumed.headers,
    )


def _size(item: Record | Local) -> int:
    return len(item.value or b"") + len(item.key or b"") if isinstance(item, Record) else 0
