"""One partition of one fold, and the flushes that fold what waits there.

The order of a flush is the promise: fold over an overlay of the tables → commit derived events and changelog rows
in one transaction → write the rows with their index and changelog offset locally, in one batch per table → move the
mark that the consumer commits. A kill between any two repeats work and loses none.

While one flush is written the next one is folded, over what the first has made of the rows; it is written after it.
Where nobody waits for what it comes to, a flush stays open a while. What is folded counts for the barrier and is read
at once: what follows from it stands on the log behind it, or with it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Protocol

from services.domain.clock import iso, took_s
from services.runtime import metrics
from services.runtime.clock import CLOCK
from services.runtime.failpoints import reach
from services.runtime.folding.flush import Changed, Flush
from services.runtime.folding.fold import Emission, Fold, Record, Table
from services.runtime.folding.ledger import Ledger
from services.runtime.folding.overlay import Overlay
from services.runtime.folding.progress import Progress
from services.runtime.folding.queue import MAX_FLUSH_BYTES, Item, Local, Passed, Queue, Tick, cancel, first
from services.runtime.folding.rows import Rows
from services.runtime.folding.showing import Behind
from services.runtime.folding.store import Change, PartitionedStore

# Rows woken in one flush; what else is due waits for the next one.
_WOKEN_TOGETHER = 1000
# How long a flush stays open for which nobody waits. Each transaction costs the broker as much as many records.
_OPEN_S = 0.25
# Who hears of a row begins a task, which begins another: so many turns of the event loop until something is decided.
_TURNS = 4


class Hearing(Protocol):
    """Who hears of a partition."""

    async def folded(self, partition: "Partition", changed: Changed) -> None:
        """Rows have changed, and are read as they are now; they are not committed yet."""

    def committed(self, offsets: Mapping[tuple[str, int], int], took_s: float | None, told: Collection[str]) -> None:
        """All is committed and stored up to these offsets, by (topic, partition); how long writing took, if it did;
        the topics of what was derived."""


class Partition:
    """The rows of one partition, and what waits to be folded into them.

    `submit` is that of its queue; `read`, `listed` and `under` are those of its `rows`.
    """

    def __init__(
        self, fold: Fold, partition: int, ledger: Ledger, stores: Mapping[str, PartitionedStore], max_batch: int
    ) -> None:
        self.fold = fold
        self.partition = partition
        self.progress = Progress([topic.name for topic in fold.sources])
        self.queue = Queue(max_batch)
        self._ledger = ledger
        self._stores = stores
        self._rows = rows = Rows(partition, fold.tables, stores)
        # Those that are not written, the oldest first: the last of them is folded, the one before it being written.
        self._flushes: list[Flush] = []
        self._writing: asyncio.Task[None] | None = None
        self._deciding = 0
        # Rows that could not be woken: table and key.
        self._failed: set[tuple[str, str]] = set()
        # Bound, not called through: rows are read for each record and each command.
        self.submit = self.queue.submit
        self.read, self.listed, self.under = rows.read, rows.listed, rows.under

    async def accept(self, topic: str, records: Sequence[Any], upto: int) -> None:
        """Queue what was fetched of a topic: with these, everything below `upto` has come, or was no record."""
        self.progress.begin(topic, records[0].offset if records else upto)
        if records:
            await self.queue.put(topic, records)
        if self.progress.wants(topic, upto):
            self.queue.add(Passed(topic, upto))

    def tick(self, now: str) -> None:
        """Wake rows that are due by `now`."""
        if not self.queue.closed and any(self._is_due(table, now) for table in self.fold.tables if table.due):
            self.queue.add(Tick(now))

    def behind(self, topic: str, end: int) -> Behind | None:
        """What of a topic that ends here is not committed yet; None while nothing is known of it."""
        upto = self.progress.folded(topic)
        if upto is None:
            return None
        if (oldest := first(chain.from_iterable(flush.batch for flush in self._flushes), topic)) is not None:
            upto = oldest.offset
        oldest = oldest or self.queue.first(topic)
        age = _age_s(oldest, CLOCK.milliseconds()) if oldest else 0.0
        return Behind(self.fold.name, topic, max(0, end - upto), age)

    async def run(self, hearing: Hearing) -> None:
        """Fold and write until closed. Errors come out: fenced, or a broken broker; the process is to stop."""
        try:
            while not self.queue.closed:
                await self._written(failed=True)
                await self._next(hearing)
            await self._written()
        except BaseException as error:
            if self._writing is not None:
                if isinstance(error, asyncio.CancelledError):
                    self._writing.cancel()
                # Else it goes on to its end: of what is broken off nobody knows whether it stands.
                await asyncio.gather(self._writing, return_exceptions=True)
            for flush in self._flushes:
                cancel(flush.batch)
            raise

    async def _next(self, hearing: Hearing) -> None:
        """Fold what comes next, and begin to write it. Nothing here holds it on while the next is waited for."""
        if batch := await self.queue.take():
            flush = self._begin()
            await self._fold(flush, batch, hearing)
            await self._stay_open(flush, hearing)
            await self._written()
            self._writing = asyncio.create_task(self._write(flush, hearing))
            self._writing.add_done_callback(lambda _: self.queue.wake())

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """While something is decided of a row, about which an event is submitted then."""
        self._deciding += 1
        try:
            yield
        finally:
            self._deciding -= 1

    def close(self) -> None:
        """Take nothing more, and forget what waits: its next owner folds it. Those who submitted are cancelled.

        A flush under way goes on to its end; then `run` returns.
        """
        metrics.DROPPED.labels(self.fold.name).inc(self.queue.close())
        self._rows.close()
        self.progress.close()

    def _begin(self) -> Flush:
        overlay = Overlay(self.fold, self._rows.row, self._rows.entries)
        flush = Flush(overlay, self._rows.begin(), asyncio.get_running_loop().time() + _OPEN_S)
        self._flushes.append(flush)
        return flush

    async def _written(self, failed: bool = False) -> None:
        """Wait until the flush before is written; or hear only whether it is, or has failed."""
        if self._writing is not None and (not failed or self._writing.done()):
            writing, self._writing = self._writing, None
            await writing

    async def _write(self, flush: Flush, hearing: Hearing) -> None:
        overlay, batch = flush.overlay, flush.batch
        try:
            reach("flush.folded")
            started = time.perf_counter()
            emissions = overlay.emissions
            await self._commit(flush, emissions)
        except BaseException:
            # At once: what it made of the rows is not so.
            self._rows.close()
            raise
        took_s = time.perf_counter() - started
        metrics.FLUSH_SECONDS.labels(self.fold.name).observe(took_s)
        reach("flush.applied")
        for item in batch:
            if isinstance(item, Local) and not item.committed.done():
                item.committed.set_result(None)
        told = Counter(emission.topic for emission in emissions)
        self._count(batch, overlay, told)
        # Whatever failed to be woken is another row now.
        self._failed.difference_update(overlay.rows)
        self._flushes.remove(flush)
        hearing.committed(overlay.folded, took_s if told or overlay.rows else None, told)
        if flush.defect is not None:
            raise flush.defect

    async def _commit(self, flush: Flush, emissions: list[Emission]) -> None:
        """Write it all to the log, then the rows to this machine's disk."""
        changes: dict[str, list[Change]] = {}
        for (name, key), row in flush.overlay.rows.items():
            changed = Change(key.encode(), row.encoded, row.had or frozenset(), row.entries)
            changes.setdefault(name, []).append(changed)
        changelogs = {
            self._stores[name].changelog: [Emission("", one.key, one.value, []) for one in rows]
            for name, rows in changes.items()
        }
        if emissions or changes:
            offsets = await self._ledger.write(emissions, self.partition, changelogs)
            for name, rows in changes.items():
                store = self._stores[name]
                store.apply(self.partition, rows, offsets[store.changelog])
        self._rows.keep(flush.ahead)

    def _count(self, batch: list[Item], overlay: Overlay, told: Mapping[str, int]) -> None:
        """What is committed now, and how long it took to get here."""
        name, moment = self.fold.name, CLOCK.milliseconds()
        ages = [_age_s(item, moment) for item in batch if isinstance(item, Record)]
        metrics.FOLDED.labels(name).inc(len(ages))
        metrics.FOLD_DELAY.observe(name, ages)
        at = iso(moment)
        took = (took_s(received, at) for received in overlay.received)
        metrics.DERIVED_SECONDS.observe(name, [one for one in took if one is not None])
        for topic, count in told.items():
            metrics.EMITTED.labels(name, topic).inc(count)

    async def _stay_open(self, flush: Flush, hearing: Hearing) -> None:
        """Fold what else comes: as long as the flush before is written, or this one may wait."""
        now = asyncio.get_running_loop().time
        while not self.queue.closed and flush.has_room(self.queue.max_batch):
            await self._written(failed=True)
            until = None
            if self._writing is None:
                until = flush.open_until(now(), self._deciding > 0)
                if until <= now():
                    if flush.heard or not flush.overlay.rows:
                        break
                    flush.heard = True
                    for _ in range(_TURNS):
                        await asyncio.sleep(0)
                    # What was decided at once waits already.
                    until = now()
            if more := await self.queue.take(until):
                await self._fold(flush, more, hearing)

    async def _fold(self, flush: Flush, batch: list[Item], hearing: Hearing) -> None:
        """Fold a batch, and tell what it came to."""
        flush.bytes += self.queue.taken_bytes
        try:
            self._fold_each(flush.overlay, batch)
        finally:
            # What was folded of it, or is to be cancelled with the others.
            flush.batch.extend(batch)
        try:
            if (changed := flush.changed()) is not None:
                await hearing.folded(self, changed)
        except Exception as error:
            # It is raised when the flush is written: else the same rows would be told, and fail, for ever.
            flush.defect = error
            return
        # After who listens: whoever waits for it finds what they made of it.
        self.progress.move({topic: offset + 1 for (topic, _), offset in flush.overlay.folded.items()})
        self.progress.move({item.topic: item.offset for item in batch if isinstance(item, Passed)})

    def _fold_each(self, overlay: Overlay, batch: list[Item]) -> None:
        """What comes out larger than a flush may be ends it, and the rest of the batch waits again."""
        started = time.perf_counter()
        for position, item in enumerate(batch):
            if overlay.size > MAX_FLUSH_BYTES:
                self.queue.give_back(batch, position)
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
                item.folded()
        metrics.FOLD_SECONDS.labels(self.fold.name).observe(time.perf_counter() - started)

    def _wake(self, overlay: Overlay, now: str) -> None:
        for step in self.fold.steps:
            if step.table is None or step.table.due is None:
                continue
            # Those that failed stay due, and are tried again by the next owner.
            for key in self._rows.due(step.table, now, _WOKEN_TOGETHER + len(self._failed)):
                if overlay.size > MAX_FLUSH_BYTES:
                    return
                if (step.table.name, key) in self._failed:
                    continue
                if not overlay.wake(step, key, now):
                    self._failed.add((step.table.name, key))

    def _is_due(self, table: Table, now: str) -> bool:
        found = self._rows.due(table, now, 1 + len(self._failed))
        return any((table.name, key) not in self._failed for key in found)


def _age_s(record: Record, moment: int) -> float:
    """Since it was put on the log; a clock of another machine may be ahead of ours."""
    return max(0.0, (moment - record.timestamp) / 1000)
