"""One partition of one fold: what waits, and the flush that folds it.

The order of a flush is the promise: fold over an overlay of the tables → commit derived events and changelog rows
in one transaction → write the rows with their index and changelog offset locally, in one batch per table → move the
mark that the consumer commits. A kill between any two repeats work and loses none.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from services.contract import codec
from services.domain.clock import iso, took_s
from services.runtime import metrics
from services.runtime.clock import CLOCK
from services.runtime.failpoints import reach
from services.runtime.folding import index
from services.runtime.folding.cache import RowCache
from services.runtime.folding.fold import Emission, Fold, Record, Table
from services.runtime.folding.index import Listed
from services.runtime.folding.ledger import Ledger
from services.runtime.folding.overlay import Overlay
from services.runtime.folding.progress import Progress
from services.runtime.folding.showing import Behind
from services.runtime.folding.store import Change, PartitionedStore

# A flush is one transaction and must be over long before that times out.
_MAX_FLUSH_BYTES = 8 << 20
# Rows woken in one flush; what else is due waits for the next one.
_WOKEN_TOGETHER = 1000


class Local(NamedTuple):
    """An event of this process's own (the sender's attempts), folded in order with what comes off the log."""

    event: Any
    committed: "asyncio.Future[None]"


class Passed(NamedTuple):
    """Everything of a topic below this offset stands before this in the queue, or was no record of ours."""

    topic: str
    offset: int


class Tick(NamedTuple):
    """Rows that are due by now are to be woken."""

    now: str


class Flush(NamedTuple):
    """What one flush came to: table → key → row, None where removed; the last offset by (topic, partition).

    `was`: the rows as they were before it, None where there was none.
    """

    rows: Mapping[str, Mapping[str, Any]]
    folded: Mapping[tuple[str, int], int]
    was: Mapping[str, Mapping[str, Any]]


class Partition:
    """Queues records and local events of one partition, and folds them in flushes."""

    def __init__(
        self, fold: Fold, partition: int, ledger: Ledger, stores: Mapping[str, PartitionedStore], max_batch: int
    ) -> None:
        self.fold = fold
        self.partition = partition
        self.progress = Progress([topic.name for topic in fold.sources])
        self._ledger = ledger
        self._stores = stores
        self._tables = {table.name: table for table in fold.tables}
        self._first = next(iter(self._tables), "")
        self._cache = RowCache()
        self._max_batch = max_batch
        self._waiting: deque[Record | Local | Passed | Tick] = deque()
        self._waiting_bytes = 0
        # What the flush under way folds.
        self._folding: list[Record | Local | Passed | Tick] = []
        self._accepted: dict[str, int] = {}
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        # Rows that could not be woken: table and key.
        self._failed: set[tuple[str, str]] = set()

    async def accept(self, topic: str, records: Sequence[Any], upto: int) -> None:
        """Queue what was fetched of a topic: with these, everything below `upto` has come, or was no record."""
        self.progress.begin(topic, records[0].offset if records else upto)
        if records:
            await self.put(topic, records)
        self.passed(topic, upto)

    async def put(self, topic: str, records: Sequence[Any]) -> None:
        """Queue consumed records of one topic; waits while too many wait. Those seen before are passed over."""
        seen = self._accepted.get(topic, -1)
        if self._closed:
            return
        # A seek to the committed offset, which ends every restore, may hand the same records out twice.
        fresh = [Record.of(record) for record in records if record.offset > seen]
        self._waiting.extend(fresh)
        self._waiting_bytes += sum(map(_size, fresh))
        self._accepted[topic] = max(seen, records[-1].offset)
        self._arrived.set()
        if self._crowded():
            self._room.clear()
            await self._room.wait()

    def passed(self, topic: str, offset: int) -> None:
        """Everything of a topic below `offset` has been put, or was no record."""
        if self.progress.wants(topic, offset) and not self._closed:
            self._waiting.append(Passed(topic, offset))
            self._arrived.set()

    def behind(self, topic: str, end: int) -> Behind | None:
        """What of a topic that ends here is not folded yet; None while nothing is known of it."""
        folded = self.progress.folded(topic)
        if folded is None:
            return None
        waiting = (item for item in chain(self._folding, self._waiting) if isinstance(item, Record))
        first = next((record for record in waiting if record.topic == topic), None)
        age = _age_s(first, CLOCK.milliseconds()) if first else 0.0
        return Behind(self.fold.name, topic, max(0, end - folded), age)

    def tick(self, now: str) -> None:
        """Wake rows that are due by `now`."""
        if not self._closed and any(self._is_due(table, now) for table in self.fold.tables if table.due):
            self._waiting.append(Tick(now))
            self._arrived.set()

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
            batch = self._folding = self._take()
            started = time.perf_counter()
            try:
                flush = await self._flush(batch)
            except BaseException:
                _cancel(batch)
                raise
            await flushed(self, flush)
            # After who listens: whoever waits for it finds what they made of it.
            self.progress.move({topic: offset + 1 for (topic, _), offset in flush.folded.items()})
            self.progress.move({item.topic: item.offset for item in batch if isinstance(item, Passed)})
            self._folding = []
            metrics.FLUSH_SECONDS.labels(self.fold.name).observe(time.perf_counter() - started)

    def close(self) -> None:
        """Take nothing more, and forget what waits: its next owner folds it. Those who submitted are cancelled.

        A flush under way goes on to its end; then `run` returns.
        """
        self._closed = True
        self._arrived.set()
        dropped, self._waiting = self._waiting, deque()
        self._waiting_bytes = 0
        metrics.DROPPED.labels(self.fold.name).inc(sum(isinstance(item, Record | Local) for item in dropped))
        self._room.set()
        self._cache.close()
        self.progress.close()
        _cancel(dropped)

    def read(self, key: str, table: str | None = None) -> Any:
        """A row as it is committed, or None; of the fold's first table where none is named."""
        name = table or self._first
        known = self._cache.get((name, key))
        if known is not None:
            return known.row
        found = self._tables.get(name)
        return None if found is None else self._fetch(found, key)

    def rows(self, table: str | None = None) -> Iterator[Any]:
        """All committed rows, in key order."""
        found = self._tables.get(table or self._first)
        if found is not None:
            for _, value in self._stores[found.name].rows(self.partition):
                yield codec.decode(value, found.row)

    def listed(self, table: str, prefix: str, after: Listed | None, limit: int) -> list[Listed]:
        """Where rows are listed, as committed, under names that begin with `prefix`: at most `limit`, after `after`."""
        return index.listed(self._stores[table], self.partition, prefix, after, limit)

    def under(self, table: str, prefix: str, limit: int) -> list[str]:
        """Keys of rows, as committed, that begin with `prefix`: at most `limit`, in order."""
        start = prefix.encode()
        keys = self._stores[table].keys(self.partition, start, start + b"\xff", limit)
        return [key.decode() for key in keys]

    def _read(self, table: Table, key: str) -> Any:
        known = self._cache.get((table.name, key))
        return self._fetch(table, key) if known is None else known.row

    def _fetch(self, table: Table, key: str) -> Any:
        value = self._stores[table.name].partition(self.partition).get(key.encode())
        row = None if value is None else codec.decode(value, table.row)
        self._cache.put((table.name, key), row, len(value or b""))
        return row

    def _due(self, table: Table, now: str, limit: int) -> list[str]:
        return index.due(self._stores[table.name], self.partition, now, limit)

    def _is_due(self, table: Table, now: str) -> bool:
        found = self._due(table, now, 1 + len(self._failed))
        return any((table.name, key) not in self._failed for key in found)

    async def _flush(self, batch: list[Record | Local | Passed | Tick]) -> Flush:
        started = time.perf_counter()
        overlay = self._fold(batch)
        metrics.FOLD_SECONDS.labels(self.fold.name).observe(time.perf_counter() - started)
        reach("flush.folded")
        emissions, changes = overlay.emissions, self._changes(overlay)
        if emissions or changes:
            changelogs = {
                self._stores[name].changelog: [Emission("", one.key, one.value, []) for one in changed]
                for name, changed in changes.items()
            }
            offsets = await self._ledger.write(emissions, self.partition, changelogs)
            for name, changed in changes.items():
                store = self._stores[name]
                store.apply(self.partition, changed, offsets[store.changelog])
            for place, changed_row in overlay.rows.items():
                self._cache.put(place, changed_row.value, len(changed_row.encoded or b""), changed_row.entries)
        reach("flush.applied")
        for item in batch:
            if isinstance(item, Local) and not item.committed.done():
                item.committed.set_result(None)
        self._count(batch, overlay, emissions)
        # Whatever failed to be woken is another row now.
        self._failed.difference_update(overlay.rows)
        changed_rows: dict[str, dict[str, Any]] = {}
        was: dict[str, dict[str, Any]] = {}
        for (name, key), row in overlay.rows.items():
            changed_rows.setdefault(name, {})[key] = row.value
            was.setdefault(name, {})[key] = row.committed
        return Flush(changed_rows, overlay.folded, was)

    def _count(self, batch: list[Record | Local | Passed | Tick], overlay: Overlay, emissions: list[Emission]) -> None:
        """What is committed now, and how long it took to get here."""
        name, moment = self.fold.name, CLOCK.milliseconds()
        ages = [_age_s(item, moment) for item in batch if isinstance(item, Record)]
        metrics.FOLDED.labels(name).inc(len(ages))
        metrics.FOLD_DELAY.observe(name, ages)
        at = iso(moment)
        took = (took_s(received, at) for received in overlay.received)
        metrics.DERIVED_SECONDS.observe(name, [one for one in took if one is not None])
        for topic, count in Counter(emission.topic for emission in emissions).items():
            metrics.EMITTED.labels(name, topic).inc(count)

    def _changes(self, overlay: Overlay) -> dict[str, list[Change]]:
        """Table → its rows to write."""
        changes: dict[str, list[Change]] = {}
        for (name, key), row in overlay.rows.items():
            known = self._cache.get((name, key))
            had = known.entries if known is not None and known.row is row.committed else None
            if had is None:
                had = index.entries(self._tables[name], key, row.committed)
            changes.setdefault(name, []).append(Change(key.encode(), row.encoded, had, row.entries))
        return changes

    def _fold(self, batch: list[Record | Local | Passed | Tick]) -> Overlay:
        """Fold a batch; what comes out larger than a flush may be ends it, and the rest of the batch waits again."""
        overlay = Overlay(self.fold, self._read)
        for position, item in enumerate(batch):
            if overlay.size > _MAX_FLUSH_BYTES:
                rest = batch[position:]
                del batch[position:]
                self._waiting.extendleft(reversed(rest))
                self._waiting_bytes += sum(_size(one) for one in rest if isinstance(one, Record))
                self._arrived.set()
                break
            if isinstance(item, Record):
                overlay.record(item)
            elif isinstance(item, Tick):
                self._wake(overlay, item.now)
            elif isinstance(item, Local):
                try:
                    overlay.local(item.event)
                except ValueError as error:
                    # Who submitted it may have been cancelled meanwhile.
                    if not item.committed.done():
                        item.committed.set_exception(error)
        return overlay

    def _wake(self, overlay: Overlay, now: str) -> None:
        for step in self.fold.steps:
            if step.table is None or step.table.due is None:
                continue
            # Those that failed stay due, and are tried again by the next owner.
            for key in self._due(step.table, now, _WOKEN_TOGETHER + len(self._failed)):
                if overlay.size > _MAX_FLUSH_BYTES:
                    return
                if (step.table.name, key) in self._failed:
                    continue
                if not overlay.wake(step, key, now):
                    self._failed.add((step.table.name, key))

    def _take(self) -> list[Record | Local | Passed | Tick]:
        """What the next flush folds: a bounded number of records, of a bounded size."""
        batch: list[Record | Local | Passed | Tick] = []
        size = 0
        while self._waiting and len(batch) < self._max_batch and size < _MAX_FLUSH_BYTES:
            item = self._waiting.popleft()
            batch.append(item)
            if isinstance(item, Record):
                size += _size(item)
        self._waiting_bytes -= size
        if not self._waiting:
            self._arrived.clear()
        if not self._crowded():
            self._room.set()
        return batch

    def _crowded(self) -> bool:
        return len(self._waiting) >= 2 * self._max_batch or self._waiting_bytes >= 2 * _MAX_FLUSH_BYTES


def _cancel(items: Iterable[Record | Local | Passed | Tick]) -> None:
    """Tell those who submitted that their events are not folded here."""
    for item in items:
        if isinstance(item, Local):
            item.committed.cancel()


def _size(record: Record) -> int:
    size = len(record.value or b"") + len(record.key or b"")
    # By hand: most records have three headers, and strangers as many as they like.
    for name, content in record.headers:
        size += len(name) + len(content or b"")
    return size


def _age_s(record: Record, moment: int) -> float:
    """Since it was put on the log; a clock of another machine may be ahead of ours."""
    return max(0.0, (moment - record.timestamp) / 1000)
