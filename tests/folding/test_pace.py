"""Fetches begin apart where nobody waits, and soon where somebody does."""

import asyncio
import dataclasses
import time
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from services.contract import codec
from services.contract.partition import partition_of
from services.runtime.config import Settings
from services.runtime.folding import fetching
from services.runtime.folding.pace import Pace
from services.runtime.folding.progress import Progress
from services.runtime.folding.runner import Runner
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.live import Tenants
from services.sender.topology import folds
from tests.folding import tally
from tests.folding.inside import ends, inside
from tests.folding.rig import Rig
from tests.folding.tally import Fact
from tests.folding.test_patience import requests_of
from tests.folding.world import DERIVED, SOURCE, World, fact, record


def test_they_are_apart_as_was_said_and_further_where_writing_takes_longer() -> None:
    pace = Pace(is_awaited=True)
    least_s = pace.seconds
    assert least_s > 0
    for _ in range(100):
        pace.wrote(least_s / 2)
    assert pace.seconds == least_s
    for _ in range(100):
        pace.wrote(0.1)
    assert pace.seconds == pytest.approx(0.1, rel=0.01)
    # Whatever one of them took.
    pace.wrote(0.25)
    assert 0.1 < pace.seconds < 0.15
    for _ in range(100):
        pace.wrote(30.0)
    assert pace.seconds == pytest.approx(0.25, rel=0.01)


def test_the_first_flush_tells_how_busy_all_is() -> None:
    pace = Pace(is_awaited=True)
    pace.wrote(0.1)
    assert pace.seconds == 0.1


def test_where_nobody_waits_they_are_further_apart() -> None:
    awaited, unawaited = Pace(is_awaited=True), Pace(is_awaited=False)
    for pace in (awaited, unawaited):
        pace.wrote(0.1)
    assert unawaited.seconds == 2 * awaited.seconds


def test_an_outage_is_over_with_the_next_flushes() -> None:
    pace = Pace(is_awaited=True)
    for _ in range(50):
        pace.wrote(0.006)
    pace.wrote(19.0)
    for _ in range(15):
        pace.wrote(0.006)
    assert pace.seconds < 0.015


def test_what_is_wanted_is_fetched_soon_and_once() -> None:
    pace, woken = Pace(is_awaited=True), list[bool]()
    least_s = pace.seconds
    pace.wake = lambda: woken.append(True)
    pace.wrote(least_s)
    pace.want()
    pace.want()
    assert len(woken) == 1
    assert pace.seconds == least_s / 4
    # However slow the broker is.
    for _ in range(100):
        pace.wrote(30.0)
    assert pace.seconds == pytest.approx(0.0625, rel=0.01)
    for _ in range(100):
        pace.wrote(least_s)
    pace.begun()
    assert pace.seconds == pytest.approx(least_s, rel=0.01)
    pace.want()
    assert len(woken) == 2


@pytest.mark.parametrize(("queued", "folded", "wanted"), [(0, 0, 1), (4, 0, 1), (5, 0, 0), (0, 4, 1), (9, 4, 0)])
async def test_who_waits_for_what_is_not_fetched_wants_it(queued: int, folded: int, wanted: int) -> None:
    progress, wants = Progress(["a"]), list[bool]()
    progress.want = lambda: wants.append(True)
    progress.wants("a", queued)
    progress.move({"a": folded})
    reaching = asyncio.create_task(progress.reach({"a": 5}))
    await asyncio.sleep(0)
    assert (reaching.done(), len(wants)) == (False, wanted)
    progress.move({"a": 5})
    await asyncio.wait_for(reaching, 20)


async def test_who_waits_wants_it_until_all_is_fetched() -> None:
    progress, wants = Progress(["a", "b"]), list[bool]()
    progress.want = lambda: wants.append(True)
    reaching = asyncio.create_task(progress.reach({"a": 5, "b": 0}))
    await asyncio.sleep(0)
    assert len(wants) == 1
    # What a fetch brought was not all of it.
    progress.wants("a", 3)
    progress.move({"a": 3})
    assert len(wants) == 2
    progress.wants("a", 5)
    progress.move({"b": 9})
    assert (len(wants), reaching.done()) == (2, False)
    progress.move({"a": 5})
    await asyncio.wait_for(reaching, 20)
    assert len(wants) == 2


def runner_of(awaited: bool) -> Runner:
    async def crash(error: BaseException) -> None:
        raise error

    fold = dataclasses.replace(tally.tally_fold(SOURCE), awaited=awaited)
    return Runner("app", KafkaSettings(), [fold], 4, crash)


@pytest.mark.parametrize(
    ("awaited", "told", "soon"),
    [
        (True, [SOURCE], True),
        (True, ["other", SOURCE], True),
        (True, ["other"], False),
        (True, [], False),
        (False, [SOURCE], False),
    ],
)
def test_what_a_worker_tells_itself_is_wanted_where_somebody_waits(awaited: bool, told: list[str], soon: bool) -> None:
    runner, woken = runner_of(awaited), list[bool]()
    runner.pace.wake = lambda: woken.append(True)
    runner.committed({("x", 0): 1}, 0.01, told)
    assert bool(woken) == soon


def test_who_waits_tells_how_far_apart() -> None:
    assert runner_of(True).pace.seconds == Pace(is_awaited=True).seconds
    assert runner_of(False).pace.seconds == Pace(is_awaited=False).seconds


def test_people_wait_for_all_that_the_sender_folds() -> None:
    assert all(fold.awaited for fold in folds(Settings(), Tenants()))


def test_a_fetch_is_looked_for_when_partitions_are_resumed() -> None:
    looked: list[Any] = []
    tp = TopicPartition("a", 0)
    fetcher = SimpleNamespace(_wait_consume_future="who waits", _notify=looked.append)
    consumer: Any = SimpleNamespace(assignment=lambda: {tp}, resume=lambda *tps: looked.append(tps), _fetcher=fetcher)
    fetching.resume(consumer, [tp])
    assert looked == [(tp,), "who waits"]


async def test_a_runner_hears_what_a_flush_told(world: World) -> None:
    world.run()
    await world.partition.accept(SOURCE, [record(0, fact(0))], 1)
    await world.flushed()
    assert world.told == [[DERIVED]]


async def test_records_one_by_one_are_not_fetched_one_by_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is answered with at once, and was: 500 a second were 500 fetches, of two records each."""
    async with inside(rig, rig.home / "here", rigs_fold(rig)) as worker:
        await worker.ready(rig.partitions)
        await rig.tell(rig.facts(20))
        # So that a busy machine, too, sends many of them between two.
        apart_s = 0.1
        monkeypatch.setattr("services.runtime.folding.pace._APART_S", apart_s)
        asked = requests_of(worker.app)
        began = time.monotonic()
        async with AIOKafkaProducer(bootstrap_servers=rig.bootstrap, acks="all") as writer:
            for one in rig.facts(200):
                await writer.send_and_wait(rig.source, codec.encode(one), key=one.key.encode())
        fetches, took_s = len(asked), time.monotonic() - began
        # One may have been under way.
        assert 1 <= fetches <= took_s / apart_s + 2
        assert took_s / apart_s + 2 < 200, "this machine is too slow to tell"


def rigs_fold(rig: Rig) -> Any:
    tally.register(rig.derived)
    return tally.tally_fold(rig.source)


async def test_what_somebody_waits_for_is_fetched_though_the_next_fetch_is_far(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inside(rig, rig.home / "here", rigs_fold(rig)) as worker:
        (partition, *_) = (await worker.ready(rig.partitions)).values()
        pace = worker.app.runner.pace
        await rig.tell(rig.facts(20))
        # The next one but for somebody who waits begins in an hour.
        monkeypatch.setattr("services.runtime.folding.pace._APART_S", 3600.0)
        monkeypatch.setattr("services.runtime.folding.pace._LONGEST_S", 3600.0)
        number = partition.partition
        key = next(key for key in map(str, count()) if partition_of(key.encode(), rig.partitions) == number)
        await rig.tell([Fact("a fetch may wait for it", key)])
        await rig.tell([Fact("none does for this", key)])
        end = (await ends(rig, rig.source))[number]
        assert partition.progress.upto[rig.source] < end
        await asyncio.wait_for(partition.progress.reach({rig.source: end}), 20)
        # With that it is over.
        assert pace.seconds == 3600.0
    # A flush may still end when nothing is fetched any more.
    pace.want()
    pace.begun()
    pace.want()
