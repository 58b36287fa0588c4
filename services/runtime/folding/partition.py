"""One partition of one fold, and the flush that folds what waits there.

The order of a flush is the promise: fold over an overlay of the tables → commit derived events and changelog rows
in one transaction → write the rows with their index and changelog offset locally, in one batch per table → move the
mark that the consumer commits. A kill between any two repeats work and loses none.

Where nobody waits for what it comes to, a flush stays open a while: what comes is folded into it, and counts as folded.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from services.domain.clock import iso, took_s
from services.runtime import metrics
from services.runtime.clock import CLOCK
from services.runtime.failpoints import reach
from services.runtime.folding.committed import Committed
from services.runtime.folding.fold import Emission, Fold, Record, Table
from services.runtime.folding.ledger import Ledger
from services.runtime.folding.overlay import Overlay
from services.runtime.folding.progress import Progress
from services.runtime.folding.queue import MAX_FLUSH_BYTES, Item, Local, Passed, Queue, Tick, cancel
from services.runtime.folding.showing import Behind
from services.runtime.folding.store import PartitionedStore

# Rows woken in one flush; what else is due waits for the next one.
_WOKEN_TOGETHER = 1000
# How long a flush stays open for which nobody waits. Each transaction costs the broker as much as many records.
_OPEN_S = 0.25


class Flush(NamedTuple):
    """What one flush came to: table → key → row, None where removed; the last offset by (topic, partition).

    `was`: the rows as they were before it, None where there was none.
    """

    rows: Mapping[str, Mapping[str, Any]]
    folded: Mapping[tuple[str, int], int]
    was: Mapping[str, Mapping[str, Any]]


class Partition:
    """What is committed of one partition, and what waits to be: folded in flushes.

    `submit` is that of its queue; `read`, `rows`, `listed` and `under` are those of its committed rows.
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
        self._committed = committed = Committed(partition, fold.tables, stores)
        # Rows that could not be woken: table and key.
        self._failed: set[tuple[str, str]] = set()
        # Bound, not called through: rows are read for each record and each command.
        self.submit = self.queue.submit
        self.read, self.rows = committed.read, committed.rows
        self.listed, self.under = committed.listed, committed.under

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
        """What of a topic that ends here is not folded yet; None while nothing is known of it."""
        folded = self.progress.folded(topic)
        if folded is None:
            return None
        first = self.queue.first(topic)
        age = _age_s(first, CLOCK.milliseconds()) if first else 0.0
        return Behind(self.fold.name, topic, max(0, end - folded), age)

    async def run(self, flushed: Callable[["Partition", Flush], Awaitable[None]]) -> None:
        """Flush until closed. Errors come out: fenced, or a broken broker; the process is to stop."""
        while (batch := await self.queue.take()) is not None:
            try:
                flush = await self._flush(batch)
            except BaseException:
                cancel(batch)
                raise
            await flushed(self, flush)
            # After who listens: whoever waits for it finds what they made of it.
            self._moved(flush.folded, batch)

    def close(self) -> None:
        """Take nothing more, and forget what waits: its next owner folds it. Those who submitted are cancelled.

        A flush under way goes on to its end; then `run` returns.
        """
        metrics.DROPPED.labels(self.fold.name).inc(self.queue.close())
        self._committed.close()
        self.progress.close()

    def _moved(self, folded: Mapping[tuple[str, int], int], batch: Sequence[Item]) -> None:
        self.progress.move({topic: offset + 1 for (topic, _), offset in folded.items()})
        self.progress.move({item.topic: item.offset for item in batch if isinstance(item, Passed)})
        self.queue.folded()

    async def _flush(self, batch: list[Item]) -> Flush:
        overlay = Overlay(self.fold, self._committed.row)
        self._fold(overlay, batch)
        await self._stay_open(overlay, batch)
        reach("flush.folded")
        started = time.perf_counter()
        emissions = overlay.emissions
        await self._commit(overlay, emissions)
        metrics.FLUSH_SECONDS.labels(self.fold.name).observe(time.perf_counter() - started)
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

    async def _commit(self, overlay: Overlay, emissions: list[Emission]) -> None:
        """Write it all to the log, then the rows to this machine's disk."""
        changes = self._committed.changes(overlay.rows)
        if not emissions and not changes:
            return
        changelogs = {
            self._stores[name].changelog: [Emission("", one.key, one.value, []) for one in changed]
            for name, changed in changes.items()
        }
        offsets = await self._ledger.write(emissions, self.partition, changelogs)
        for name, changed in changes.items():
            store = self._stores[name]
            store.apply(self.partition, changed, offsets[store.changelog])
        self._committed.keep(overlay.rows)

    def _count(self, batch: list[Item], overlay: Overlay, emissions: list[Emission]) -> None:
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

    async def _stay_open(self, overlay: Overlay, batch: list[Item]) -> None:
        """Fold what else comes, for a while and as long as nobody waits for any of it."""
        until = asyncio.get_running_loop().time() + _OPEN_S
        while self._nobody_waits(overlay, batch):
            self._committed.show(overlay.rows)
            self._moved(overlay.folded, batch)
            more = await self.queue.take_by(until)
            if not more:
                break
            try:
                self._fold(overlay, more)
            finally:
                # What was folded of it, or is to be cancelled with the others.
                batch += more

    def _nobody_waits(self, overlay: Overlay, batch: Sequence[Item]) -> bool:
        return (
            bool(overlay.rows)
            and not overlay.tells
            and overlay.size <= MAX_FLUSH_BYTES
            and len(batch) < self.queue.max_batch
            and {name for name, _ in overlay.rows} <= self._committed.unhurried
            and not any(isinstance(item, Local) for item in batch)
        )

    def _fold(self, overlay: Overlay, batch: list[Item]) -> None:
        """Fold a batch; what comes out larger than a flush may be ends it, and the rest of the batch waits again."""
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
        metrics.FOLD_SECONDS.labels(self.fold.name).observe(time.perf_counter() - started)

    def _wake(self, overlay: Overlay, now: str) -> None:
        for step in self.fold.steps:
            if step.table is None or step.table.due is None:
                continue
            # Those that failed stay due, and are tried again by the next owner.
            for key in self._committed.due(step.table, now, _WOKEN_TOGETHER + len(self._failed)):
                if overlay.size > MAX_FLUSH_BYTES:
                    return
                if (step.table.name, key) in self._failed:
                    continue
                if not overlay.wake(step, key, now):
                    self._failed.add((step.table.name, key))

    def _is_due(self, table: Table, now: str) -> bool:
        found = self._committed.due(table, now, 1 + len(self._failed))
        return any((table.name, key) not in self._failed for key in found)


def _age_s(record: Record, moment: int) -> float:
    """Since it was put on the log; a clock of another machine may be ahead of ours."""
    return max(0.0, (moment - record.timestamp) / 1000)
