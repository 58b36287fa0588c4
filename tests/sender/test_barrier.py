"""What stood on the log when the barrier was asked is folded when it lets go: else a STOP could slip by."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from services.contract import codec
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.folding.partition import Partition
from services.runtime.folding.progress import Progress
from services.runtime.sections.kafka import KafkaSettings
from services.sender.barrier import Barrier
from tests.folding import tally
from tests.folding.inside import Inside, inside
from tests.folding.rig import Rig, rig_with
from tests.folding.tally import Fact, Tally
from tests.kafka_records import create_topics
from tests.waiting import eventually

_PASSES_S = 10.0


class Answers:
    """A barrier whose broker is asked through our hands: each question waits for its answer."""

    def __init__(self) -> None:
        self.questions: list[asyncio.Future[int]] = []
        self.barrier = Barrier(KafkaSettings(partitions=1), ["a"])
        self.barrier._consumer = cast(Any, SimpleNamespace(end_offsets=self._end_offsets, stop=self._stop))
        self.barrier._asking = asyncio.create_task(self.barrier._ask())
        self.progress = Progress(["a"])
        self.partition = cast(Partition, SimpleNamespace(partition=0, progress=self.progress))

    async def asked(self, count: int) -> None:
        await eventually(lambda: len(self.questions) == count, what=f"{count} questions")

    async def _end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        assert partitions == [TopicPartition("a", 0)]
        self.questions.append(asyncio.get_running_loop().create_future())
        return {TopicPartition("a", 0): await self.questions[-1]}

    async def _stop(self) -> None:
        pass


@pytest.fixture
async def answers() -> AsyncIterator[Answers]:
    answers = Answers()
    yield answers
    await answers.barrier.stop()


async def test_who_asks_while_a_question_is_under_way_waits_for_the_next(answers: Answers) -> None:
    answers.progress.move({"a": 5})
    first = asyncio.create_task(answers.barrier.passed(answers.partition))
    await answers.asked(1)
    second, third = (asyncio.create_task(answers.barrier.passed(answers.partition)) for _ in range(2))
    await asyncio.sleep(0)
    # Between the broker's answer and now, a record was acknowledged: the second must not be content with 5.
    answers.questions[0].set_result(5)
    assert await asyncio.wait_for(first, 20) == {"a": 5}
    await answers.asked(2)
    answers.questions[1].set_result(6)
    await asyncio.sleep(0.02)
    assert (second.done(), third.done()) == (False, False)
    answers.progress.move({"a": 6})
    assert list(await asyncio.wait_for(asyncio.gather(second, third), 20)) == [{"a": 6}, {"a": 6}]
    assert len(answers.questions) == 2


async def test_who_gives_up_takes_nobody_along(answers: Answers) -> None:
    impatient, patient = (asyncio.create_task(answers.barrier.passed(answers.partition)) for _ in range(2))
    await answers.asked(1)
    impatient.cancel()
    await asyncio.wait([impatient])
    answers.questions[0].set_result(0)
    assert await asyncio.wait_for(patient, 20) == {"a": 0}


async def test_a_broker_that_does_not_answer_is_asked_again(answers: Answers) -> None:
    asking = asyncio.create_task(answers.barrier.passed(answers.partition))
    await answers.asked(1)
    answers.questions[0].set_exception(KafkaTimeoutError())
    await answers.asked(2)
    assert not asking.done()
    answers.questions[1].set_result(0)
    assert await asyncio.wait_for(asking, 20) == {"a": 0}


async def test_a_partition_that_is_lost_lets_go_with_an_error(answers: Answers) -> None:
    asking = asyncio.create_task(answers.barrier.passed(answers.partition))
    await answers.asked(1)
    answers.questions[0].set_result(3)
    await asyncio.sleep(0.02)
    answers.progress.close()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asking, 20)


class Probes:
    """Records produced, each followed by the barrier, each then looked for in its row."""

    def __init__(self, rig: Rig, topics: Sequence[str], barrier: Barrier) -> None:
        self.rig = rig
        self.topics = topics
        self.barrier = barrier
        self.workers: list[Inside] = []
        self.passed: Counter[int] = Counter()
        self.slipped: list[str] = []
        self.held_up: list[str] = []

    def owned(self) -> list[tuple[Inside, Partition]]:
        return [(worker, one) for worker in self.workers for one in worker.partitions().values()]

    async def more(self, count: int, deadline_s: float = 20.0) -> None:
        """Wait for so many more passes on every partition."""
        before = Counter(self.passed)

        def enough() -> bool:
            return all(self.passed[n] - before[n] >= count for n in range(self.rig.partitions)) or bool(self.slipped)

        await eventually(enough, deadline_s, f"{count} more passes of every partition")

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """Probe each partition, and load all of them, while the block runs."""
        tasks = [asyncio.create_task(self._load())]
        tasks += [asyncio.create_task(self._probe(number)) for number in range(self.rig.partitions)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    raise outcome

    async def _load(self) -> None:
        """Facts on all partitions of both topics, all the time."""
        async with AIOKafkaProducer(bootstrap_servers=self.rig.bootstrap) as writer:
            while True:
                facts = self.rig.facts(20)
                for at, fact in enumerate(facts):
                    await writer.send(self.topics[at % 2], codec.encode(fact), key=fact.key.encode())
                await asyncio.sleep(0.1)

    async def _probe(self, number: int) -> None:
        """Plain records on the one topic; on the other transactions, some followed by one that is aborted."""
        plain = AIOKafkaProducer(bootstrap_servers=self.rig.bootstrap)
        name = f"{self.rig.app}-probe-{number}"
        transactional = AIOKafkaProducer(bootstrap_servers=self.rig.bootstrap, transactional_id=name)
        async with plain, transactional:
            count = 0
            while True:
                count += 1
                fact = Fact(f"probe-{number}-{count}", f"probe-{number}-{count}")
                value, key = codec.encode(fact), fact.key.encode()
                if count % 3:
                    await plain.send_and_wait(self.topics[0], value, key=key, partition=number)
                else:
                    async with transactional.transaction():
                        await transactional.send_and_wait(self.topics[1], value, key=key, partition=number)
                    if count % 2:
                        await transactional.begin_transaction()
                        await transactional.send_and_wait(self.topics[1], b"{}", key=key, partition=number)
                        await transactional.abort_transaction()
                for worker, partition in self.owned():
                    if partition.partition == number:
                        await self._pass(worker, partition, fact)
                # Slow enough for two workers in one process: what is asked for is not speed.
                await asyncio.sleep(0.02)

    async def _pass(self, worker: Inside, partition: Partition, fact: Fact) -> None:
        passing = asyncio.create_task(self.barrier.passed(partition))
        try:
            await asyncio.wait({passing}, timeout=_PASSES_S)
        finally:
            passing.cancel()
        still_ours = worker.partitions().get(partition.partition) is partition
        if not passing.done():
            if still_ours:
                self.held_up.append(f"{fact.event_id}: {partition.progress.upto}")
        elif not passing.cancelled():
            ends = passing.result()
            if still_ours:
                row = partition.read(fact.key)
                if row is None or fact.event_id not in row.seen:
                    self.slipped.append(f"{fact.event_id}: {ends}, {partition.progress.upto}")
                self.passed[partition.partition] += 1


@pytest.fixture
async def rig(kafka: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_with(kafka, tmp_path) as rig:
        yield rig


async def test_what_was_on_the_log_is_folded_when_the_barrier_lets_go(rig: Rig, tmp_path: Path) -> None:
    other = f"more-{uuid.uuid4().hex[:8]}.v1"
    await create_topics(rig.bootstrap, [other, tally.source(other).dead], rig.partitions)
    tally.register(rig.derived)
    topics = (rig.source, other)
    fold = Fold(tally.contract(*topics), (Step(tally.fold, Table(tally.FOLD, Tally, lambda fact: fact.key)),))
    barrier = Barrier(rig.settings(), topics)
    probes = Probes(rig, topics, barrier)
    await barrier.start()
    try:
        async with AsyncExitStack() as stack:
            # Small batches, so that what was fetched at once is handed out and folded in many.
            one = await stack.enter_async_context(inside(rig, tmp_path / "one", fold, max_batch=20))
            probes.workers.append(one)
            await one.ready(rig.partitions)
            await stack.enter_async_context(probes.under_way())
            await probes.more(5)
            async with inside(rig, tmp_path / "two", fold, max_batch=20) as two:
                probes.workers.append(two)
                await two.ready(rig.partitions // 2)
                await probes.more(5)
            await one.ready(rig.partitions)
            await probes.more(5)
            assert (probes.slipped, probes.held_up) == ([], [])
    finally:
        with suppress(asyncio.CancelledError):
            await barrier.stop()
