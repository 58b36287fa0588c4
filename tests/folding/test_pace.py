"""Fetches begin apart where nobody waits, and soon where somebody does."""

import asyncio
import dataclasses
import time
from itertools import count
from typing import Any

import pytest

from services.contract.partition import partition_of
from services.runtime.folding.pace import Pace
from services.runtime.folding.progress import Progress
from services.runtime.folding.runner import Runner
from services.runtime.sections.kafka import KafkaSettings
from tests.folding import tally
from tests.folding.inside import ends, inside
from tests.folding.rig import Rig
from tests.folding.tally import Fact
from tests.folding.test_patience import requests_of

SOURCE = "facts.v1"


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
    pace.wrote(0.9)
    assert 0.1 < pace.seconds < 0.2
    for _ in range(100):
        pace.wrote(30.0)
    assert pace.seconds == 0.25


def test_what_is_wanted_is_fetched_soon_and_once() -> None:
    pace, woken = Pace(is_awaited=True), list[bool]()
    least_s = pace.seconds
    pace.wake = lambda: woken.append(True)
    pace.wrote(least_s)
    pace.want()
    pace.want()
    assert len(woken) == 1
    assert pace.seconds < least_s / 10
    pace.begun()
    assert pace.seconds == least_s
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


def test_nobody_waits_for_what_is_far_apart() -> None:
    assert runner_of(True).pace.seconds < runner_of(False).pace.seconds


async def test_records_one_by_one_are_not_fetched_one_by_one(rig: Rig) -> None:
    """Each is answered with at once, and was: 500 a second were 500 fetches, of two records each."""
    async with inside(rig, rig.home / "here", rigs_fold(rig)) as worker:
        await worker.ready(rig.partitions)
        await rig.tell(rig.facts(20))
        apart_s = worker.app.runner.pace._apart_s
        asked = requests_of(worker.app)
        began = time.monotonic()
        for _ in range(50):
            await rig.tell(rig.facts(1))
        fetches, took_s = len(asked), time.monotonic() - began
        assert took_s > 4 * apart_s, "they came one by one"
        # One may have been under way, and two brokers are asked apart.
        assert 1 <= fetches <= took_s / apart_s + 2


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
        monkeypatch.setattr(pace, "_apart_s", 3600.0)
        monkeypatch.setattr("services.runtime.folding.pace._LONGEST_S", 3600.0)
        number = partition.partition
        key = next(key for key in map(str, count()) if partition_of(key.encode(), rig.partitions) == number)
        await rig.tell([Fact("a fetch may wait for it", key)])
        await rig.tell([Fact("none does for this", key)])
        end = (await ends(rig, rig.source))[number]
        assert partition.progress.upto[rig.source] < end
        await asyncio.wait_for(partition.progress.reach({rig.source: end}), 20)
    # A flush may still end when nothing is fetched any more.
    pace.want()
    pace.begun()
    pace.want()
