"""How far a partition says that it has folded: all the way to the end, control records too, and never too far."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from services.contract import codec
from services.runtime.folding.fold import Fold
from services.runtime.folding.partition import Partition
from services.runtime.folding.progress import Progress
from services.runtime.folding.runner import Listener, Runner, _Owned
from services.runtime.sections.kafka import KafkaSettings
from tests.folding import tally
from tests.folding.inside import ends, inside
from tests.folding.rig import Rig
from tests.folding.tally import Fact
from tests.folding.world import SOURCE, World, fact, record
from tests.waiting import eventually


async def waiting(progress: Progress, **ends: int) -> "asyncio.Task[None]":
    reaching = asyncio.create_task(progress.reach(ends))
    await asyncio.sleep(0)
    return reaching


async def test_what_is_reached_already_is_not_waited_for() -> None:
    progress = Progress(["a", "b"])
    await progress.reach({"a": 0, "b": 0})
    progress.move({"a": 5})
    await progress.reach({"a": 5})
    await progress.reach({"a": 4, "b": 0})
    await progress.reach({})


async def test_an_end_is_reached_when_all_below_it_is_folded() -> None:
    progress = Progress(["a"])
    reaching = await waiting(progress, a=5)
    progress.move({"a": 4})
    await asyncio.sleep(0)
    assert not reaching.done()
    progress.move({"a": 5})
    await asyncio.wait_for(reaching, 20)


async def test_every_topic_must_get_there() -> None:
    progress = Progress(["a", "b"])
    reaching = await waiting(progress, a=5, b=2)
    for step in ({"a": 9}, {"b": 1}):
        progress.move(step)
        await asyncio.sleep(0)
        assert not reaching.done()
    progress.move({"b": 2})
    await asyncio.wait_for(reaching, 20)


async def test_many_wait_and_each_goes_at_its_own_end() -> None:
    progress = Progress(["a"])
    tasks = [await waiting(progress, a=end) for end in (3, 1, 2, 2)]
    gone = []
    for upto in (1, 2, 3):
        progress.move({"a": upto})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone.append([task.done() for task in tasks])
    assert gone == [[False, True, False, False], [False, True, True, True], [True] * 4]


async def test_progress_never_goes_back() -> None:
    progress = Progress(["a"])
    progress.move({"a": 9})
    progress.move({"a": 4})
    assert progress.upto == {"a": 9}
    await progress.reach({"a": 9})


async def test_who_gave_up_waiting_is_forgotten() -> None:
    progress = Progress(["a"])
    impatient, patient = await waiting(progress, a=2), await waiting(progress, a=3)
    impatient.cancel()
    await asyncio.wait([impatient])
    progress.move({"a": 2})
    progress.move({"a": 3})
    await asyncio.wait_for(patient, 20)


async def test_closing_cancels_who_waits() -> None:
    progress = Progress(["a"])
    tasks = [await waiting(progress, a=end) for end in (1, 2)]
    progress.move({"a": 1})
    progress.close()
    await asyncio.wait(tasks, timeout=5)
    assert [task.cancelled() for task in tasks] == [False, True]
    # A flush that was under way may still end.
    progress.move({"a": 2})


async def test_a_position_is_news_once() -> None:
    progress = Progress(["a"])
    assert not progress.wants("a", 0)
    assert progress.wants("a", 3)
    assert not progress.wants("a", 3)
    assert not progress.wants("a", 2)
    progress.move({"a": 7})
    assert not progress.wants("a", 5)
    assert progress.wants("a", 8)


async def test_a_position_counts_when_all_that_was_put_before_it_is_folded(world: World) -> None:
    # Batches of four: two flushes are folded, of which one is being written; the position stands behind both.
    world.gate.clear()
    records = [record(offset, fact(offset)) for offset in range(10)]
    passing = asyncio.create_task(world.partition.accept(SOURCE, records, 20))
    world.run()
    await eventually(lambda: world.partition.progress.upto == {SOURCE: 8})
    reaching = asyncio.create_task(world.partition.progress.reach({SOURCE: 20}))
    await asyncio.sleep(0.02)
    assert not reaching.done()
    world.gate.set()
    await asyncio.wait_for(reaching, 20)
    await passing
    assert world.partition.progress.upto == {SOURCE: 20}


async def test_what_is_folded_while_a_flush_is_written_counts(world: World) -> None:
    world.gate.clear()
    await world.partition.queue.put(SOURCE, [record(offset, fact(offset)) for offset in range(6)])
    await world.partition.accept(SOURCE, [], 9)
    world.run()
    await asyncio.wait_for(world.partition.progress.reach({SOURCE: 9}), 20)
    assert (world.counted(), world.flushes) == ([], [])
    world.gate.set()
    await world.flushed(2)
    assert [one.number for one in world.counted()] == [1, 2, 3, 4, 5, 6]


async def test_a_flush_counts_as_far_as_it_went(world: World) -> None:
    await world.partition.queue.put(SOURCE, [record(offset, fact(offset)) for offset in (2, 3, 5, 7, 11)])
    world.run()
    await world.flushed(1)
    await world.partition.progress.reach({SOURCE: 8})
    await world.flushed(2)
    await eventually(lambda: world.partition.progress.upto == {SOURCE: 12})


async def test_progress_is_told_after_the_listener(world: World) -> None:
    seen = []

    async def folded(_: Partition, __: Any) -> None:
        seen.append(dict(world.partition.progress.upto))

    world.folded = folded  # type: ignore[method-assign]
    await world.partition.queue.put(SOURCE, [record(0, fact(0))])
    await world.partition.accept(SOURCE, [], 4)
    world.run()
    await eventually(lambda: world.partition.progress.upto == {SOURCE: 4})
    assert seen == [{SOURCE: 0}]


async def test_closing_a_partition_frees_who_waits_and_forgets_positions(world: World) -> None:
    world.gate.clear()
    await world.partition.queue.put(SOURCE, [record(0, fact(0))])
    world.run()
    await eventually(lambda: "fold" in world.names())
    reaching = asyncio.create_task(world.partition.progress.reach({SOURCE: 5}))
    await world.partition.accept(SOURCE, [], 4)
    await asyncio.sleep(0)
    world.partition.close()
    await world.partition.accept(SOURCE, [], 5)
    await asyncio.wait([reaching], timeout=5)
    assert reaching.cancelled()
    world.gate.set()
    assert world.running
    await asyncio.wait_for(world.running, 20)
    assert world.partition.progress.upto == {SOURCE: 4}
    assert world.flushes == [{(SOURCE, 0): 0}, {}]


async def runner_of(world: World) -> Runner:
    async def crash(error: BaseException) -> None:
        raise error

    runner = Runner("app", KafkaSettings(), [world.partition.fold], 4, crash)
    world.run()
    owned: Any = _Owned(world.partition, None, world.running)  # type: ignore[arg-type]
    runner._owned[tally.FOLD, 0] = owned
    return runner


async def fetched(runner: Runner, records: list[Any], epoch: int, upto: int, number: int = 0) -> None:
    """As the consumer hands it out."""
    if (partition := runner.owner(SOURCE, number, epoch)) is not None:
        await partition.accept(SOURCE, records, upto)


async def test_positions_of_a_former_assignment_do_not_count(world: World) -> None:
    runner = await runner_of(world)
    await fetched(runner, [record(0, fact(0))], runner.epoch, 1)
    former = runner.epoch
    runner.drop_handed_out()
    await fetched(runner, [record(1, fact(1))], former, 2)
    await fetched(runner, [], former, 9)
    await fetched(runner, [], runner.epoch, 9, 1)
    await world.flushed()
    await asyncio.sleep(0.02)
    assert world.partition.progress.upto == {SOURCE: 1}
    # The same position, told again under the assignment that holds.
    await fetched(runner, [record(1, fact(1))], runner.epoch, 2)
    await fetched(runner, [], runner.epoch, 9)
    await asyncio.wait_for(world.partition.progress.reach({SOURCE: 9}), 20)
    await eventually(lambda: [one.number for one in world.counted()] == [1, 2])


async def test_a_position_told_with_records_that_find_no_room_waits_with_them(world: World) -> None:
    runner = await runner_of(world)
    world.gate.clear()
    records = [record(offset, fact(offset)) for offset in range(20)]
    accepting = asyncio.create_task(fetched(runner, records, runner.epoch, 25))
    await asyncio.sleep(0.02)
    assert not accepting.done()
    # Two flushes of four.
    assert world.partition.progress.upto == {SOURCE: 8}
    reaching = asyncio.create_task(world.partition.progress.reach({SOURCE: 25}))
    world.gate.set()
    await asyncio.wait_for(reaching, 20)
    await eventually(lambda: len(world.counted()) == 20)
    await accepting


async def test_a_partition_lost_while_its_records_find_no_room_is_told_nothing(world: World) -> None:
    runner = await runner_of(world)
    world.gate.clear()
    records = [record(offset, fact(offset)) for offset in range(20)]
    accepting = asyncio.create_task(fetched(runner, records, runner.epoch, 25))
    await eventually(lambda: world.partition.progress.upto == {SOURCE: 8})
    world.partition.close()
    world.gate.set()
    await asyncio.wait_for(accepting, 20)
    assert world.running
    await asyncio.wait_for(world.running, 20)
    assert world.partition.progress.upto == {SOURCE: 8}
    assert len(world.counted()) == 8


class Suspicious(Listener):
    """Looks whenever progress is told: all records below must be in the rows as they are committed."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.known: dict[int, list[tuple[int, Fact]]] = {}
        self.told: list[tuple[int, int]] = []
        self.wrong: list[str] = []

    def note(self, facts: Sequence[Fact], acks: Sequence[Any]) -> None:
        for one, ack in zip(facts, acks, strict=True):
            self.known.setdefault(ack.partition, []).append((ack.offset, one))

    async def taken(self, partition: Partition) -> None:
        move = partition.progress.move

        def moved(upto: Any) -> None:
            move(upto)
            self._look(partition)

        partition.progress.move = moved  # type: ignore[method-assign]

    def _look(self, partition: Partition) -> None:
        upto = partition.progress.upto[self.source]
        if (partition.partition, upto) in self.told:
            return
        self.told.append((partition.partition, upto))
        seen: dict[str, Any] = {}
        for offset, one in self.known.get(partition.partition, []):
            if offset < upto:
                if one.key not in seen:
                    seen[one.key] = partition.read(one.key)
                if seen[one.key] is None or one.event_id not in seen[one.key].seen:
                    self.wrong.append(f"told {upto}, and {one} at {partition.partition}@{offset} is not folded")


async def tell(rig: Rig, facts: Sequence[Fact]) -> Sequence[Any]:
    """Produce facts, many to a batch; their acknowledgements."""
    async with AIOKafkaProducer(bootstrap_servers=rig.bootstrap, acks="all", linger_ms=20) as writer:
        sent = [await writer.send(rig.source, codec.encode(one), key=one.key.encode()) for one in facts]
        return await asyncio.gather(*sent)


async def abort_at_the_end(rig: Rig) -> None:
    """Leave an aborted transaction at the end of every partition."""
    async with AIOKafkaProducer(bootstrap_servers=rig.bootstrap, transactional_id=f"{rig.app}-aborts") as writer:
        await writer.begin_transaction()
        for number in range(rig.partitions):
            for _ in range(3):
                await writer.send(rig.source, codec.encode(Fact("never", "key-0")), partition=number)
        await writer.flush()
        await writer.abort_transaction()


def slow_fold(rig: Rig, fold_s: float = 0.0) -> Fold:
    def slowly(state: Any, event: Any, /) -> Any:
        time.sleep(fold_s)
        return tally.fold(state, event)

    tally.register(rig.derived)
    return tally.tally_fold(rig.source, slowly)


@pytest.mark.parametrize("aborted", [False, True], ids=["committed", "aborted"])
async def test_a_topic_that_ends_in_a_marker_is_reported_to_its_end(rig: Rig, tmp_path: Path, aborted: bool) -> None:
    await rig.tell_in_transactions(rig.facts(24), size=6)
    if aborted:
        await abort_at_the_end(rig)
    async with inside(rig, tmp_path / "one", slow_fold(rig)) as worker:
        await worker.ready(rig.partitions)
        await worker.at(rig.source, await ends(rig, rig.source))
        # While it runs: what comes, and what is aborted.
        await rig.tell_in_transactions(rig.facts(12), size=6)
        await worker.at(rig.source, await ends(rig, rig.source))
        await abort_at_the_end(rig)
        await worker.at(rig.source, await ends(rig, rig.source))
    await rig.folded()

    # Idle: nothing ever arrives.
    last = await ends(rig, rig.source)
    for name in ("one", "wiped"):
        async with inside(rig, tmp_path / name, slow_fold(rig)) as worker:
            await worker.ready(rig.partitions)
            await worker.at(rig.source, last)


async def test_an_idle_topic_is_reported_after_a_kill_that_committed_no_offset(rig: Rig, tmp_path: Path) -> None:
    await rig.tell_in_transactions(rig.facts(24), size=6)
    await abort_at_the_end(rig)
    doomed = rig.start(failpoint="flush.applied:3")
    await doomed.exit_code()
    async with inside(rig, tmp_path / "one", slow_fold(rig)) as worker:
        await worker.ready(rig.partitions)
        await worker.at(rig.source, await ends(rig, rig.source))
    await rig.folded(but=doomed)


async def test_a_topic_that_was_emptied_is_reported_to_its_end(rig: Rig, tmp_path: Path) -> None:
    """Nothing is left below the end, and no offset was ever committed."""
    await tell(rig, rig.facts(40))
    last = await ends(rig, rig.source)
    admin = AIOKafkaAdminClient(bootstrap_servers=rig.bootstrap)
    await admin.start()
    try:
        await admin.delete_records(
            {TopicPartition(rig.source, number): RecordsToDelete(before_offset=end) for number, end in last.items()}
        )
    finally:
        await admin.close()
    async with inside(rig, tmp_path / "one", slow_fold(rig)) as worker:
        await worker.ready(rig.partitions)
        await worker.at(rig.source, last)


async def test_partitions_that_move_are_reported_at_once_and_never_too_far(rig: Rig, tmp_path: Path) -> None:
    first, second = Suspicious(rig.source), Suspicious(rig.source)

    async def add(count: int) -> None:
        facts = rig.facts(count)
        acks = await tell(rig, facts)
        for one in (first, second):
            one.note(facts, acks)

    await add(200)
    await abort_at_the_end(rig)
    async with inside(rig, tmp_path / "one", slow_fold(rig), first, max_batch=7) as one:
        await one.ready(rig.partitions)
        async with inside(rig, tmp_path / "two", slow_fold(rig), second, max_batch=7) as two:
            await two.ready(rig.partitions // 2)
            await one.ready(rig.partitions // 2)
            last = await ends(rig, rig.source)
            await asyncio.gather(one.at(rig.source, last), two.at(rig.source, last))
            # Now each ends in a record: the offset that is committed when they move is the end itself.
            await add(50)
            last = await ends(rig, rig.source)
            await asyncio.gather(one.at(rig.source, last), two.at(rig.source, last))
        await one.ready(rig.partitions)
        await one.at(rig.source, await ends(rig, rig.source))
    assert first.wrong == second.wrong == []
    assert len(first.told) > rig.partitions


async def test_nothing_is_reported_before_it_is_folded(rig: Rig, tmp_path: Path) -> None:
    """Everything lies in the first fetch, is handed out in pieces, and waits in three queues while it is folded."""
    suspicious = Suspicious(rig.source)
    facts = rig.facts(1500, keys=200)
    suspicious.note(facts, await tell(rig, facts))
    await abort_at_the_end(rig)
    async with inside(rig, tmp_path / "one", slow_fold(rig, 0.001), suspicious, max_batch=8) as worker:
        owned = await worker.ready(rig.partitions)
        last = await ends(rig, rig.source)
        await asyncio.gather(
            *(asyncio.wait_for(one.progress.reach({rig.source: last[number]}), 90) for number, one in owned.items())
        )
        wanted, _ = await rig.oracle()
        assert {key: one.read(key) for one in owned.values() for key in one.under(tally.FOLD, "", 1000)} == wanted
    assert suspicious.wrong == []
    assert len(suspicious.told) > 100
