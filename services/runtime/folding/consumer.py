"""Faust's consumer, handing out fetched batches instead of messages, and committing what was folded.

Replaced, of faust-streaming 0.15.3: `_drain_messages` (two tasks per message), the fetcher, the bookkeeping of acks
message by message (it commits past gaps, and control records of transactions are gaps), and `wait_empty`. The rest
(group membership, assignment, flow control, seeks, the streams of agents) is Faust's.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from aiokafka import ConsumerRecord
from aiokafka.errors import IllegalStateError, KafkaError
from faust.events import Event
from faust.transport.consumer import Fetcher
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from services.runtime.folding import fetching
from services.runtime.folding.fetching import Placing
from services.runtime.folding.membership import keep_name
from services.runtime.folding.runner import Runner
from services.runtime.folding.showing import Behind
from services.runtime.patience import look, wait_by

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
_COMMIT_SECONDS = 5.0
# No longer: the first fetch of a rebalance waits for the last one before it.
_PATIENT_MS = 500
# Of all partitions together; several copies of it are made on its way. A larger record comes all the same, alone.
_FETCH_BYTES = 8 << 20


class RecordBatch(NamedTuple):
    """Records of one topic partition, as fetched at once. `epoch` tells which assignment they were fetched under.

    `upto`: with these, everything below that offset has been handed out, or was no record.
    """

    topic: str
    partition: int
    records: list[Any]
    epoch: int
    upto: int


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads committed records only: what an aborted transaction left is not there."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust sets this only under its own exactly-once mode; read at the consumer's start.
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_bytes = _FETCH_BYTES
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        consumer = self._ensure_consumer()
        pace = self.app.runner.pace
        wait_by(
            consumer._fetcher,
            _PATIENT_MS,
            hurried=lambda: self.app.rebalancing or self.app.in_recovery,
            apart_s=lambda: pace.seconds,
            begun=pace.begun,
        )
        pace.wake = partial(self._look, consumer._fetcher)
        coordinator = consumer._coordinator
        heartbeat = coordinator._do_heartbeat

        async def told() -> bool:
            asked_at = time.monotonic()
            counted_in: bool = await heartbeat()
            if counted_in:
                self.app.pulse.beat(asked_at)
            return counted_in

        # aiokafka tells nobody that it has not heard of its group for longer than a session.
        coordinator._do_heartbeat = told
        if self.app.conf.consumer_group_instance_id is not None:
            keep_name(coordinator, self.app.assignor, self._end)

    def _look(self, fetcher: Any) -> None:
        # Its loop is closed: nothing is fetched any more, and what is committed meanwhile is no error.
        with suppress(RuntimeError):
            self.thread_loop.call_soon_threadsafe(look, fetcher)

    async def _end(self, why: Exception) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.app.crash(why), self.parent_loop))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._placing = Placing(self._ensure_consumer(), self.consumer._is_changelog_tp)
        try:
            await self._placing.begin()
        except IllegalStateError:
            logger.info("another assignment comes before this one is placed")
        except KafkaError as error:
            # aiokafka would log what a rebalance listener raises, and go on.
            await self._end(error)
        await super().on_partitions_assigned(assigned, generation_id)

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        """Place the sources once more, beyond nothing that was fetched and dropped, and fetch them from now on."""
        committed: Mapping[TP, int | None] = await self.call_thread(self._placing.end)
        self.fetch(committed, True)
        return committed

    def fetch(self, tps: Iterable[TP], wanted: bool) -> None:
        """Fetch these partitions from now on, or nothing of them any more."""
        do = fetching.resume if wanted else fetching.pause
        self.thread_loop.call_soon_threadsafe(do, self._ensure_consumer(), frozenset(tps))

    def positions_now(self, tps: Iterable[TP]) -> dict[TP, int]:
        """The same, read across threads: right only while no fetch is under way, for then they stand still."""
        assignment = self._ensure_consumer()._subscription.subscription.assignment
        states = {tp: assignment.state_value(tp) for tp in tps} if assignment is not None else {}
        return {tp: state.position for tp, state in states.items() if state is not None and state.has_valid_position}

    def ends_now(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where partitions end, as the broker said with its latest answer; read across threads, at any time."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        states = {tp: assignment.state_value(tp) for tp in tps} if assignment is not None else {}
        return {
            tp: state.highwater for tp, state in states.items() if state is not None and state.highwater is not None
        }

    async def positions(self, tps: set[TP]) -> dict[TP, int]:
        """The next offset to be handed out, for partitions that have one. Past control and aborted records too."""
        return {tp: offset for tp in tps if (offset := await self.position(tp)) is not None}


class BatchConsumer(driver.Consumer):
    """Faust's consumer in batches. Its app is a FoldApp."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetched = asyncio.Event()
        self._fetched.set()
        # By partition, what its runner was last told, and under which epoch.
        self._told: dict[TP, tuple[int, int]] = {}

    @property
    def runner(self) -> Runner:
        runner: Runner = self.app.runner
        return runner

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        tps = frozenset(tps)
        super().pause_partitions(tps)
        if tps:
            self._thread.fetch(tps, False)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        tps = frozenset(tps)
        super().resume_partitions(tps)
        # Changelogs are placed by now; sources are placed next (`seek_to_committed`).
        if changelogs := frozenset(filter(self._is_changelog_tp, tps)):
            self._thread.fetch(changelogs, True)

    def behind(self) -> Iterator[Behind]:
        """What of the partitions owned is not folded yet."""
        if self._thread is not None and self._thread._consumer is not None:
            yield from self.runner.behind(self._thread.ends_now(self.runner.sources()))

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch for ever: changelog records into their tables, others to the agents of their topics."""
        recovery = self.app.tables.recovery
        while not (self._stopped.is_set() or fetcher._stopped.is_set()):
            # In a loop: it may have been halted again before we woke.
            while not self.flow_active:
                if (await self.wait(self.can_resume_flow)).stopped:
                    return
            # Read when the flow is on, not before waiting for it: else the first records of a new assignment would
            # count as the last of the old one, and nothing would fetch them again.
            epoch = self.runner.epoch
            records = await self._fetch()
            for tp, batch in records.items():
                if epoch != self.runner.epoch:
                    # Revoked meanwhile. Every restore ends with a seek, so they are fetched again by their owner.
                    break
                if self._is_changelog_tp(tp):
                    recovery.restored(tp, batch)
            if not self.app.in_recovery:
                await self._hand_out(records, epoch)
            if self.app.in_recovery and epoch == self.runner.epoch:
                # Between two fetches all records below a position have been handed out: here, and only here,
                # a position says how far the tables are.
                recovery.reached(await self._thread.positions(recovery.restoring()))

    async def _fetch(self) -> Mapping[TP, list[Any]]:
        self._fetched.clear()
        try:
            records, _ = await self._wait_next_records(_POLL_SECONDS)
        finally:
            self._fetched.set()
        return records or {}

    async def halt(self) -> None:
        """Fetch nothing more until the flow is resumed; returns when no fetch is under way.

        Only then may positions be set: a fetch begun earlier would move them on after they were set, and what it
        brings is dropped.
        """
        self.stop_flow()
        await self._fetched.wait()

    async def _hand_out(self, records: Mapping[TP, list[Any]], epoch: int) -> None:
        """Records to the agents of their topics; and how far each topic is read, also where nothing came."""
        if epoch != self.runner.epoch:
            return
        positions = self._thread.positions_now(self.runner.sources())
        for tp in {**positions, **records}:
            if self._is_changelog_tp(tp):
                continue
            batch = records.get(tp, [])
            upto = positions[tp] if tp in positions else batch[-1].offset + 1
            if not batch and self._told.get(tp) == (epoch, upto):
                continue
            self._told[tp] = epoch, upto
            message = self._to_message(tp, batch[0] if batch else _nothing(tp, upto))
            for channel in self.app.topics._tp_index[tp]:
                found = RecordBatch(tp.topic, tp.partition, batch, epoch, upto)
                await channel.put(Event(self.app, None, found, None, message))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self.app.pulse.beat(time.monotonic())
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        # Before Faust forgets the partitions: what is folded is committed, what is not is dropped.
        self.stop_flow()
        try:
            await self.wait_empty()
        except Exception as error:
            # aiokafka would log what a rebalance listener raises, and go on.
            await self.app.crash(error)
        self.runner.forget((tp.topic, tp.partition) for tp in revoked)
        await super().on_partitions_revoked(revoked)

    async def wait_empty(self) -> None:
        """Let go of everything and commit what is folded: at a revocation and at a stop."""
        await self.runner.release()
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                await self.commit()
        except TimeoutError:
            logger.warning("the broker did not take the offsets; what was folded since will be folded again")

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (
            TP(topic, partition)
            for topic, partition in self.runner.committable
            if topics is None or topic in topics or (topic, partition) in topics
        )

    def _new_offset(self, tp: TP) -> int | None:
        return self.runner.committable.get((tp.topic, tp.partition))

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's watch over single messages has nothing to see here; consumer lag is the measure."""


def _nothing(tp: TP, offset: int) -> Any:
    """In place of a record, where only the position moved: Faust wants a message with every event."""
    return ConsumerRecord(tp.topic, tp.partition, offset, 0, 0, None, None, None, -1, -1, ())


class BatchFetcher(Fetcher):
    """Fetches until it is stopped.

    Faust's takes a stop within a rebalance for a crash, for its supervisor to mend. There is none, and the process
    would end as by a defect.
    """

    @Fetcher.task
    async def _fetcher(self) -> None:
        try:
            await self.app.consumer._drain_messages(self)
        finally:
            self.set_shutdown()


class BatchTransport(driver.Transport):
    Consumer = BatchConsumer
    Fetcher = BatchFetcher
