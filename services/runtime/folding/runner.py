"""Who folds what now: takes partitions over when Faust assigns them, lets them go when it revokes them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from faust.types import TP

from services.runtime import metrics
from services.runtime.failpoints import reach
from services.runtime.folding import index
from services.runtime.folding.flush import Changed
from services.runtime.folding.fold import Fold
from services.runtime.folding.ledger import Ledger, fence_of
from services.runtime.folding.pace import Pace
from services.runtime.folding.partition import Partition
from services.runtime.folding.showing import Behind
from services.runtime.folding.store import PartitionedStore
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings

logger = logging.getLogger(__name__)


class Listener:
    """What a service may want to hear of its partitions. The default hears nothing."""

    async def taken(self, partition: Partition) -> None:
        """A partition is ours, its table is restored, nothing is folded yet."""

    async def folded(self, partition: Partition, changed: Changed) -> None:
        """Rows have changed, and are read as they are now. They are not committed yet: see `rows`."""

    async def leaving(self, partition: Partition) -> None:
        """A partition is about to leave: nothing more comes off the log, what is under way may still be submitted.

        Must return within seconds: the whole group waits.
        """


class Together(Listener):
    """Several that hear of the same partitions, in this order."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    async def taken(self, partition: Partition) -> None:
        for listener in self._listeners:
            await listener.taken(partition)

    async def folded(self, partition: Partition, changed: Changed) -> None:
        for listener in self._listeners:
            await listener.folded(partition, changed)

    async def leaving(self, partition: Partition) -> None:
        await asyncio.gather(*(listener.leaving(partition) for listener in self._listeners))


class _Owned(NamedTuple):
    partition: Partition
    ledger: Ledger
    task: "asyncio.Task[None] | None"


class Runner:
    """The partitions that this worker owns, of all its folds."""

    def __init__(
        self,
        app_id: str,
        kafka: KafkaSettings,
        folds: Sequence[Fold],
        max_batch: int,
        crash: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        self._app_id = app_id
        self._kafka = kafka
        self.folds = {fold.name: fold for fold in folds}
        self._max_batch = max_batch
        self._crash = crash
        self._fold_of = {topic.name: fold.name for fold in folds for topic in fold.sources}
        self._owned: dict[tuple[str, int], _Owned] = {}
        for name in self.folds:
            metrics.FOLD_DELAY.begin(name)
            metrics.DERIVED_SECONDS.begin(name)
        self._lock = asyncio.Lock()
        self.listeners: dict[str, Listener] = {}
        # By fold, then by table.
        self.stores: dict[str, dict[str, PartitionedStore]] = {}
        # Offsets that may be committed: (topic, partition) → last folded + 1.
        self.committable: dict[tuple[str, int], int] = {}
        self._awaited = {topic.name for fold in folds if fold.awaited for topic in fold.sources}
        self.pace = Pace(bool(self._awaited))
        self.epoch = 0

    def partition(self, fold: str, number: int) -> Partition | None:
        """The partition, when this worker owns it and its table is restored; else None."""
        owned = self._owned.get((fold, number))
        return owned.partition if owned and owned.task else None

    def partitions(self, fold: str) -> list[Partition]:
        """All partitions of a fold that this worker owns, restored."""
        return [owned.partition for (name, _), owned in self._owned.items() if name == fold and owned.task]

    def drop_handed_out(self) -> None:
        """What was fetched until now and is not queued yet is dropped: positions are about to be set anew."""
        self.epoch += 1

    async def fence(self, assigned: Iterable[tuple[str, int]]) -> None:
        """Take the fences of the assigned source partitions: before any changelog is read."""
        self.drop_handed_out()
        wanted = {(self._fold_of[topic], number) for topic, number in assigned if topic in self._fold_of}
        async with self._lock:
            await self._release()
            for name, number in wanted:
                ledger = Ledger(self._kafka, fence_of(self._app_id, name, number))
                partition = Partition(self.folds[name], number, ledger, self.stores.get(name, {}), self._max_batch)
                partition.progress.want = self.pace.want
                self._owned[name, number] = _Owned(partition, ledger, None)
            await asyncio.gather(*(owned.ledger.open() for owned in self._owned.values()))

    async def start(self) -> None:
        """Begin to fold: the tables are restored. Raises ConfigError, as `_derive` does."""
        async with self._lock:
            for key, (partition, ledger, task) in list(self._owned.items()):
                if task is None:
                    if not await self._derive(key[0], partition.partition):
                        return
                    if listener := self.listeners.get(key[0]):
                        await listener.taken(partition)
                    running = asyncio.create_task(self._run(partition), name=f"fold-{key[0]}-{key[1]}")
                    self._owned[key] = _Owned(partition, ledger, running)
            for name in self.folds:
                metrics.OWNED.labels(name).set(len(self.partitions(name)))

    async def _derive(self, fold: str, partition: int) -> bool:
        """Have a partition's indexes be those of its tables now. False: it is lost meanwhile.

        Raises ConfigError where a row cannot be read: no timer would wake it, and no list would name it.
        """
        epoch = self.epoch
        for store in self.stores.get(fold, {}).values():
            for _ in store.derive(partition):
                reach("index.derived")
                await asyncio.sleep(0)
                if epoch != self.epoch:
                    return False
            if index.has_unreadable(partial(store.keys, partition)):
                raise ConfigError(
                    f"{store.changelog}/{partition}: a row cannot be read by this release; start the release that "
                    "wrote it, or mend the table (docs/recovery.md)"
                )
        return True

    def sources(self) -> Iterator[TP]:
        """The source partitions of what this worker owns."""
        for name, number in self._owned:
            for topic in self.folds[name].sources:
                yield TP(topic.name, number)

    def behind(self, ends: Mapping[TP, int]) -> Iterator[Behind]:
        """What of each source partition, by its end, is not folded yet."""
        for (name, number), owned in self._owned.items():
            for topic in self.folds[name].sources:
                end = ends.get(TP(topic.name, number))
                if end is not None and (found := owned.partition.behind(topic.name, end)):
                    yield found

    def owner(self, topic: str, number: int, epoch: int) -> Partition | None:
        """Who folds what was fetched under this epoch. None: its owner fetches it again, for it is not ours, or was
        assigned anew meanwhile."""
        owned = self._owned.get((self._fold_of[topic], number)) if epoch == self.epoch else None
        return owned.partition if owned is not None else None

    def tick(self, now: str) -> None:
        """Wake the rows that are due by now, of all that is folded here."""
        for owned in list(self._owned.values()):
            if owned.task:
                owned.partition.tick(now)

    async def release(self) -> None:
        """Let go of everything: waiting records are dropped, flushes under way are awaited."""
        self.drop_handed_out()
        async with self._lock:
            await self._release()

    def forget(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Partitions that left are no longer ours to commit."""
        for tp in partitions:
            self.committable.pop(tp, None)

    async def _release(self) -> None:
        released = self._owned
        await asyncio.gather(
            *(
                self.listeners[name].leaving(owned.partition)
                for (name, _), owned in released.items()
                if owned.task and name in self.listeners
            )
        )
        self._owned = {}
        for owned in released.values():
            owned.partition.close()
        tasks = [owned.task for owned in released.values() if owned.task]
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.gather(*(owned.ledger.close() for owned in released.values()), return_exceptions=True)

    async def folded(self, partition: Partition, changed: Changed) -> None:
        """Tell who listens."""
        if listener := self.listeners.get(partition.fold.name):
            await listener.folded(partition, changed)

    def committed(self, offsets: Mapping[tuple[str, int], int], took_s: float | None, told: Collection[str]) -> None:
        """A flush is committed and stored: up to these offsets, by (topic, partition)."""
        if took_s is not None:
            self.pace.wrote(took_s)
        if not self._awaited.isdisjoint(told):
            self.pace.want()
        for tp, offset in offsets.items():
            self.committable[tp] = max(self.committable.get(tp, 0), offset + 1)

    async def _run(self, partition: Partition) -> None:
        try:
            await partition.run(self)
        except Exception as error:
            # Fenced, or a broken broker: nothing more may be written, and nothing may be skipped.
            partition.close()
            logger.error("fold %s/%d stops: %r", partition.fold.name, partition.partition, error)
            await self._crash(error)
