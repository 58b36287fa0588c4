"""Faust's recovery of tables, ended by position.

Faust waits for the offset before the end of a changelog; after a transaction that offset is a control record, which
is never handed out. Here records go from the fetch straight into RocksDB, batch by batch, and a partition is
restored when the consumer's position has passed what was the end when its fence was taken.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka.errors import CorruptRecordException, KafkaConnectionError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP

from services.runtime import metrics
from services.runtime.batches import Unread

logger = logging.getLogger(__name__)


# For how long the end of a transaction that is committed already may be on its way to a changelog.
_MARKED_S = 3.0
_ASK_AGAIN_S = 0.1


class Progress(NamedTuple):
    """Changelog records: to be read when the restore began (`at`, monotonic seconds), and still."""

    at: float
    total: int
    remaining: int

    def __str__(self) -> str:
        return f"{self._done:.0%} done, {self.remaining:,} changelog records to go"

    def pace(self) -> str:
        """Records per second so far, and the estimate from it."""
        rate = (self.total - self.remaining) / max(time.monotonic() - self.at, 0.001)
        return f"{rate:,.0f} a second, " + (f"about {self.remaining / rate:,.0f} s left" if rate else "just begun")

    @property
    def _done(self) -> float:
        # Rounded down: nothing is all done before it is.
        return max(0, 100 * (self.total - self.remaining) // self.total) / 100 if self.total else 0.0


class PositionRecovery(Recovery):
    """Restores tables in batches; takes the fences first."""

    _began: tuple[float, int] = (0.0, 0)

    def progress(self) -> Progress:
        """How far the restore of this worker's own partitions is."""
        return Progress(*self._began, sum(max(0, count) for count in self.active_remaining().values()))

    async def _build_offsets(self, consumer: Any, tps: set[TP], destination: Counter[TP], title: str) -> None:
        for tp, why in (await self._unfit(consumer, tps)).items():
            logger.warning("the store of %s %d is read anew: %s", tp.topic, tp.partition, why)
            self.tp_to_table[tp].data.wipe(tp.partition)
            destination[tp] = 0
        await super()._build_offsets(consumer, tps, destination, title)
        if title == "active":
            self._began = time.monotonic(), 0
            self._began = time.monotonic(), self.progress().remaining
            metrics.RESTORE_REMAINING.labels(self.app.conf.id).set(self.progress().remaining)

    async def _seek_offsets(self, consumer: Any, tps: set[TP], offsets: Counter[TP], title: str) -> None:
        # The next rebalance has named a partition, and has not said yet where it is read from: Faust would seek there.
        if any(offsets[tp] is None for tp in tps):
            raise RebalanceAgain
        await super()._seek_offsets(consumer, tps, offsets, title)

    async def _unfit(self, consumer: Any, tps: set[TP]) -> dict[TP, str]:
        """The stores that may not be folded on, and why."""
        deadline = time.monotonic() + _MARKED_S
        while True:
            ends = await consumer.highwaters(*tps) if tps else {}
            reasons = {tp: self.tp_to_table[tp].data.unfit(tp.partition, ends.get(tp) or 0) for tp in tps}
            unfit = {tp: why for tp, why in reasons.items() if why}
            if not unfit or time.monotonic() > deadline:
                return unfit
            # Until its end is marked, what was just written in a transaction seems to lie beyond the end.
            await asyncio.sleep(_ASK_AGAIN_S)

    async def _build_highwaters(self, consumer: Any, tps: set[TP], destination: Counter[TP], title: str) -> None:
        if title == "active":
            # Nobody may add to a changelog between reading its end and being its owner.
            await self._take_over()
        await super()._build_highwaters(consumer, tps, destination, title)

    async def _take_over(self) -> None:
        # Faust clears it where it reads changelogs, which is not done there any more: left from the former restore,
        # it would end this one at once.
        self.signal_recovery_end.clear()
        self._began = time.monotonic(), 0
        await self.app.consumer.halt()
        await self.app.runner.fence((tp.topic, tp.partition) for tp in self.app.assignor.assigned_actives())

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        # Faust sets the positions of the sources and empties the agents' queues, in this order, while standby rows
        # come in already: a batch fetched between the two would be lost.
        await self.app.consumer.halt()
        self.app.runner.drop_handed_out()
        await super().on_recovery_completed(generation_id)

    async def _resume_streams(self, generation_id: int = 0) -> None:
        # Without any table there is nothing to restore, and this is all that Faust calls.
        await self._wait(self._take_over())
        await super()._resume_streams(generation_id)

    async def _wait(self, coro: Any, timeout: float | None = None) -> None:  # noqa: ASYNC109 (Faust gives it)
        try:
            await super()._wait(coro, timeout)
        except ServiceStopped:
            if not self.should_stop:
                # Faust takes a time-out for a stop, and would leave a worker that owns partitions and folds nothing.
                await self.app.crash(KafkaConnectionError("no answer while tables were being restored"))
            raise

    def restoring(self) -> set[TP]:
        """Changelog partitions of which something is still to be read."""
        # Faust keeps what it knew of a partition as a standby when that becomes an active one.
        active = {tp for tp, count in self.active_remaining().items() if count > 0 and tp in self.active_tps}
        standby = {tp for tp, count in self.standby_remaining().items() if count > 0 and tp in self.standby_tps}
        return active | standby

    def restored(self, tp: TP, records: Sequence[Any]) -> None:
        """Write changelog records into their table."""
        active = tp in self.active_tps
        offsets = self.active_offsets if active else self.standby_offsets
        table = self.tp_to_table.get(tp)
        if table is None or not (active or tp in self.standby_tps):
            return
        if unread := [record.value for record in records if isinstance(record.value, Unread)]:
            # Nobody writes here but we; rows that were passed over would be missing for ever.
            raise CorruptRecordException(f"{tp.topic}/{tp.partition}: {unread[0].why}")
        last = records[-1].offset
        rows = ((record.key, record.value) for record in records)
        table.data.restore(tp.partition, rows, last, records[-1].timestamp / 1000, to_fold=active)
        offsets[tp] = last
        metrics.RESTORED.labels(kind="active" if active else "standby").inc(len(records))
        metrics.RESTORE_REMAINING.labels(self.app.conf.id).set(self.progress().remaining)

    def reached(self, positions: Mapping[TP, int]) -> None:
        """Note how far the consumer is; ends the restore when every active partition is at its end."""
        for offsets, highwaters in (
            (self.active_offsets, self.active_highwaters),
            (self.standby_offsets, self.standby_highwaters),
        ):
            for tp, position in positions.items():
                if tp in highwaters and position > highwaters[tp]:
                    offsets[tp] = highwaters[tp]
        if self.in_recovery and not self.need_recovery():
            metrics.RESTORE_REMAINING.labels(self.app.conf.id).set(0)
            # Until the other partitions are set to where they are to be read from. Else the next fetch, begun at
            # once, would hand out standby rows from before their store's state, which would then go back.
            self.app.consumer.stop_flow()
            self._set_recovery_ended()
            self.signal_recovery_end.set()

    @Recovery.task
    async def _slurp_changelogs(self) -> None:
        """Nothing comes by Faust's queue; `BatchConsumer` calls `restored`."""

    @Recovery.task
    async def _publish_stats(self) -> None:
        """Say every few seconds how much is still to be restored."""
        async for _ in self.itertimer(self.stats_interval, name="restore.progress"):
            if self.in_recovery and (progress := self.progress()).remaining:
                logger.info("restoring tables: %s; %s", progress, progress.pace())


class FoldTableManager(TableManager):
    """Faust's table manager, with the recovery above."""

    async def on_start(self) -> None:
        """Faust sleeps for a second here, until tables are declared and agents run: ours are, before it starts."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery: Recovery = PositionRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
