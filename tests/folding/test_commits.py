"""The group's offsets: never past a fact that is not folded, whatever gaps the log has."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faust.types import TP

from services.contract import codec
from services.contract.fold import changelog
from services.runtime.folding.app import FoldApp, fold_app
from services.runtime.folding.fold import FoldFunction
from services.runtime.folding.health import reasons
from services.runtime.folding.lifetime import run_app
from services.runtime.folding.runner import Runner
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.worker import WorkerSettings
from tests.folding import tally
from tests.folding.rig import Rig
from tests.folding.tally import Counted, Fact
from tests.waiting import eventually


async def test_a_committed_offset_never_passes_an_unfolded_fact(rig: Rig) -> None:
    """Control records and aborted facts are gaps in the offsets."""
    await rig.tell_in_transactions(rig.facts(240))
    log = await rig.read(rig.source)
    # Slow enough for several commits while facts wait.
    worker = rig.start(fold_s=0.02, max_batch=10)
    ends = last_offsets(log)
    seen: set[tuple[int, ...]] = set()
    counted: set[str] = set()
    async with AIOKafkaConsumer(
        bootstrap_servers=rig.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    ) as reader:
        reader.assign([TopicPartition(rig.derived, number) for number in range(rig.partitions)])

        async def all_committed() -> bool:
            committed = await rig.committed()
            seen.add(tuple(committed.get(number, 0) for number in range(rig.partitions)))
            # What is committed has its events on the log by now, though their reader may need a moment.
            wanted = {
                tally.event_id(codec.decode(record.value, Fact))
                for record in log
                if record.offset < committed.get(record.partition, 0)
            }

            async def folded() -> bool:
                for batch in (await reader.getmany(timeout_ms=50)).values():
                    counted.update(codec.decode(record.value, Counted).event_id for record in batch)
                return wanted <= counted

            if not wanted <= counted:
                # Stopped, so that what is not folded yet does not become so meanwhile.
                worker.pause()
                await eventually(folded, what="the events of facts whose offsets are committed")
                worker.go_on()
            return committed == ends

        await eventually(all_committed, 90.0, "all offsets committed")
    assert len(seen) > 2
    await rig.folded()
    await worker.stop()


def last_offsets(log: list[ConsumerRecord]) -> dict[int, int]:
    """Where a group is that folded all: one past the last fact, not past the control record after it."""
    return {record.partition: record.offset + 1 for record in log}


async def test_records_of_a_former_assignment_are_not_folded(rig: Rig) -> None:
    await rig.tell([Fact("old", "key-0")])
    (record,) = await rig.read(rig.source)
    runner = runner_of(rig)
    await runner.fence([(rig.source, record.partition)])
    former = runner.epoch
    await runner.release()
    await runner.fence([(rig.source, record.partition)])
    await runner.start()

    assert runner.owner(rig.source, record.partition, former) is None
    partition = runner.partition(tally.FOLD, record.partition)
    assert partition
    # What is folded in order after it shows that it was not.
    await partition.submit(Fact("new", "key-0"))
    row = partition.read("key-0")
    await runner.release()
    assert row.seen == ("new",)
    assert runner.committable == {}


async def test_a_flush_under_way_is_awaited_when_its_partition_is_revoked(rig: Rig) -> None:
    folding = asyncio.Event()

    def fold(state: Any, fact: Any, /) -> tuple[Any, list[Counted]]:
        folding.set()
        return tally.fold(state, fact)

    runner = runner_of(rig, fold)
    await runner.fence([(rig.source, 0)])
    await runner.start()
    partition = runner.partition(tally.FOLD, 0)
    assert partition
    submitting = asyncio.create_task(partition.submit(Fact("last", "key-0")))
    await folding.wait()
    await runner.release()
    await submitting

    async def seen() -> bool:
        # The broker answers a commit before readers of what is committed see it.
        return [event.number for event in await rig.counted()] == [1]

    await eventually(seen, what="what was folded is on the log, once")


async def test_a_partition_of_somebody_else_is_not_folded(rig: Rig) -> None:
    await rig.tell([Fact("any", "key-0")])
    (record,) = await rig.read(rig.source)
    runner = runner_of(rig)
    await runner.fence([(rig.source, (record.partition + 1) % rig.partitions)])
    await runner.start()
    assert runner.owner(rig.source, record.partition, runner.epoch) is None
    await runner.release()
    assert runner.committable == {}
    assert await rig.read(rig.derived) == []


async def test_a_consumer_is_halted_when_its_fetch_has_ended(rig: Rig) -> None:
    consumer = app_of(rig).consumer
    answered = asyncio.Event()

    async def fetch(_timeout_s: float) -> tuple[None, None]:
        await answered.wait()
        return None, None

    consumer._wait_next_records = fetch
    fetching = asyncio.create_task(consumer._fetch())
    await asyncio.sleep(0)
    halting = asyncio.create_task(consumer.halt())
    await asyncio.sleep(0)
    assert not consumer.flow_active
    assert not halting.done()
    answered.set()
    await asyncio.wait_for(halting, 20)
    await fetching


async def test_what_was_fetched_and_dropped_before_the_first_commit_is_read_again(rig: Rig) -> None:
    app = app_of(rig)
    stop = asyncio.Event()
    running = asyncio.create_task(run_app(app, stop))
    await eventually(lambda: running.done() or not reasons(app), 40, "ready")
    await app.consumer.halt()
    await rig.tell(rig.facts(9, keys=1))
    (number,) = {record.partition for record in await rig.read(rig.source)}
    source = TP(rig.source, number)
    await app.consumer.seek(source, 5)

    await app.consumer.perform_seek()
    assert await app.consumer.position(source) == 0
    stop.set()
    await asyncio.wait_for(running, 40)


async def test_a_stop_while_partitions_move_is_no_crash(rig: Rig) -> None:
    app = app_of(rig)
    stop = asyncio.Event()
    running = asyncio.create_task(run_app(app, stop))
    await eventually(lambda: running.done() or not reasons(app), 40, "ready")
    # As a rebalance begins.
    app.on_rebalance_start()
    await app.consumer.halt()
    stop.set()
    await asyncio.wait_for(running, 40)
    assert app.crash_reason is None


def runner_of(rig: Rig, function: FoldFunction = tally.fold) -> Runner:
    """A runner in this process, without its consumer."""
    app = app_of(rig, function)
    app.finalize()
    assert app.runner.stores[tally.FOLD][tally.FOLD].changelog == changelog(rig.app, tally.FOLD)
    return app.runner


def app_of(rig: Rig, function: FoldFunction = tally.fold) -> FoldApp:
    tally.register(rig.derived)
    settings = KafkaSettings(bootstrap=rig.bootstrap, partitions=rig.partitions, replication=1, min_insync_replicas=1)
    folds = [tally.tally_fold(rig.source, function)]
    return fold_app(rig.app, folds, settings, WorkerSettings(data_dir=rig.home / "here"))
