"""Two tables and timers on a broker: kill -9 anywhere, and what rang rang once, and both tables tell the same."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from services.contract import codec
from services.contract.fold import changelog
from services.contract.partition import partition_of
from services.domain.clock import iso
from services.runtime.folding.ledger import Ledger
from tests.folding import watched
from tests.folding.process import Worker
from tests.folding.rig import Rig
from tests.folding.tally import Fact
from tests.folding.test_kill import FAILPOINTS
from tests.folding.watched import Rang, Watch
from tests.kafka_records import create_topics
from tests.waiting import eventually

# tests/folding/test_kill.py kills in the open transaction every day.
EVERYDAY = "flush.committed"


class Alarmed(Rig):
    """A rig whose fold has a second table and timers."""

    def __init__(self, bootstrap: str, home: Path, partitions: int = 4) -> None:
        super().__init__(bootstrap, home, partitions)
        self.rang = self.derived.replace("counted", "rang")
        self.second = changelog(self.app, watched.TABLE)
        self.clock = home / "clock"
        self.later(0)

    async def create(self, changelog_config: Any = None) -> None:
        await super().create(changelog_config)
        await create_topics(self.bootstrap, [self.rang], self.partitions)
        await create_topics(self.bootstrap, [self.second], self.partitions, {"cleanup.policy": "compact"})

    def start(self, name: str = "one", failpoint: str | None = None, **more: Any) -> Worker:
        return super().start(name, failpoint, rang=self.rang, clock=str(self.clock), **more)

    def later(self, seconds: float) -> None:
        """The workers' clocks are so far ahead of ours from now on: however slow they are, nothing rang before."""
        self.ahead_s = seconds
        moved = self.clock.with_suffix(".moved")
        moved.write_text(str(seconds), encoding="ascii")
        moved.rename(self.clock)

    async def ring(self, at: str, keys: range) -> None:
        """Ask for alarms, one for each of these keys."""
        await self.tell(Fact(f"ring-{key}", f"key-{key}", watched.RING + at) for key in keys)

    async def heard(self) -> list[tuple[int, Rang]]:
        """What rang, and when it was written."""
        return [(record.timestamp, codec.decode(record.value, Rang)) for record in await self.read(self.rang)]

    async def rang_for(self, keys: range) -> bool:
        """Whether these have rung twice each, and no others."""
        heard = Counter(event.key for _, event in await self.heard())
        assert heard.keys() <= {f"key-{number}" for number in keys}
        return heard.total() == 2 * len(keys)

    async def all_rang(self, deadline_s: float = 15.0) -> None:
        """Wait until all that was asked for rang; then nothing rang twice or before its time."""
        rows, ids = watched.expected(record.value for record in await self.read(self.source))

        async def all_there() -> bool:
            missing = ids - {event.event_id for _, event in await self.heard()}
            assert not missing, f"{len(missing)} of {len(ids)} have not rung"
            return True

        await eventually(all_there, deadline_s, "every alarm")
        heard = await self.heard()
        assert {event: times for event, times in Counter(e.event_id for _, e in heard).items() if times > 1} == {}
        assert {event.event_id for _, event in heard} == ids
        assert [event for written, event in heard if iso(written + int(self.ahead_s * 1000)) < event.at] == []

        async def same() -> bool:
            table = await self.table(self.second)
            assert {key.decode(): codec.decode(value, Watch) for key, value in table.items()} == rows
            return True

        await eventually(same, what="the oracle's rows")

    async def moved_rang(self, count: int, deadline_s: float) -> None:
        """Wait until so many keys have been woken twice each, as they asked last; nobody as they asked before."""

        async def all_there() -> bool:
            heard = Counter(event.key for _, event in await self.heard())
            assert heard == dict.fromkeys((f"key-{number}" for number in range(count)), 2), heard
            return True

        await eventually(all_there, deadline_s, "every alarm that was moved")

    async def same_watched(self, worker: Worker) -> None:
        """At its end the worker's own stores show the same."""
        await self.same_rows([await worker.stop()])
        rows, _ = watched.expected(record.value for record in await self.read(self.source))
        assert worker.said("watched")[-1] == {key: [row.number, row.chain] for key, row in rows.items()}
        assert worker.said("listed")[-1] == []
        assert worker.said("misindexed")[-1] == []


@pytest.fixture
async def rig(kafka: str, tmp_path: Path) -> AsyncIterator[Alarmed]:
    rig = Alarmed(kafka, tmp_path)
    await rig.create()
    try:
        yield rig
    finally:
        for worker in rig.workers:
            worker.discard()


def soon(seconds: float) -> str:
    return iso(int((time.time() + seconds) * 1000))


@pytest.mark.parametrize(
    ("failpoint", "wiped"),
    [
        # By turns; where the store is wiped here, tests/folding/test_kill.py keeps it.
        pytest.param(name, not number % 2, marks=() if name == EVERYDAY else pytest.mark.slow)
        for number, name in enumerate(FAILPOINTS)
    ],
    ids=lambda value: value if isinstance(value, str) else "wiped" if value else "kept",
)
async def test_killed_at(rig: Alarmed, failpoint: str, wiped: bool) -> None:
    await rig.tell(rig.facts(100))
    await rig.ring(soon(-3600), range(10))
    await rig.tell(rig.facts(60))
    doomed = rig.start(failpoint=f"{failpoint}:7", max_batch=20)
    assert await doomed.exit_code() == -signal.SIGKILL
    # Of these some wait while the next worker restores, some are asked for while it folds.
    await rig.ring(soon(4), range(10, 20))
    await rig.tell(rig.facts(50))
    if wiped:
        rig.wipe()

    worker = rig.start(max_batch=20)
    await rig.folded(but=doomed)
    await rig.all_rang()
    await rig.same_watched(worker)


@pytest.mark.parametrize(
    ("failpoint", "stands"), [("flush.acknowledged", False), ("flush.committed", True)], ids=["open", "committed"]
)
async def test_both_tables_and_the_events_of_a_flush_stand_together(rig: Alarmed, failpoint: str, stands: bool) -> None:
    await rig.tell([*rig.facts(9, keys=1), Fact("ring", "key-0", watched.RING + soon(3600))])
    doomed = rig.start(failpoint=failpoint)
    assert await doomed.exit_code() == -signal.SIGKILL
    await rig.abort_open_transactions()

    for isolation in ("read_uncommitted", "read_committed"):
        there = stands or isolation == "read_uncommitted"
        assert len(await rig.read(rig.derived, isolation)) == (10 if there else 0)
        assert list(await rig.table(rig.changelog, isolation)) == ([b"key-0"] if there else [])
        second = await rig.table(rig.second, isolation)
        assert list(second) == ([b"key-0"] if there else [])


@pytest.mark.parametrize(
    ("failpoint", "stands"),
    [
        pytest.param("flush.acknowledged:2", False, marks=pytest.mark.slow, id="open"),
        pytest.param("flush.committed:2", True, id="committed"),
    ],
)
async def test_killed_while_waking_rings_once(rig: Alarmed, failpoint: str, stands: bool) -> None:
    """The next owner has another disk: the timers come to it by the changelog."""
    await rig.tell([*rig.facts(9, keys=1), Fact("ring", "key-0", watched.RING + soon(3600))])
    doomed = rig.start(failpoint=failpoint)
    await rig.folded()
    rig.later(3600.5)
    assert await doomed.exit_code() == -signal.SIGKILL
    await rig.abort_open_transactions()
    # Both where the worker looked late.
    rang = len(await rig.heard())
    assert bool(rang) is stands
    [row] = [codec.decode(value, Watch) for value in (await rig.table(rig.second)).values()]
    assert len(row.due) == 2 - rang

    worker = rig.start("two")
    await worker.ready(rig.partitions)
    await rig.all_rang(20)
    await rig.same_watched(worker)


@pytest.mark.parametrize(
    "name", [pytest.param("one", id="restarted"), pytest.param("two", marks=pytest.mark.slow, id="elsewhere")]
)
async def test_timers_outlive_their_worker(rig: Alarmed, name: str) -> None:
    await rig.tell(rig.facts(40))
    await rig.ring(soon(-3600), range(10))
    await rig.ring(soon(3600), range(10, 20))
    await rig.ring(soon(10800), range(20, 30))
    first = rig.start("one")
    await rig.folded()
    await eventually(lambda: rig.rang_for(range(10)), what="what is due rings")
    await first.stop()
    assert set(first.said("listed")[-1]) == {f"key-{number}" for number in range(10, 30)}

    # What came due while nobody was there is told late; what did not, at its time.
    rig.later(7200)
    second = rig.start(name)
    await eventually(lambda: rig.rang_for(range(20)), 60, "what came due meanwhile rings")
    rig.later(14400)
    await rig.all_rang()
    await rig.same_watched(second)


@pytest.mark.slow
async def test_timers_go_with_their_partitions_to_another_worker(rig: Alarmed) -> None:
    one = rig.start("one")
    await one.ready(rig.partitions)
    await rig.tell(rig.facts(40))
    await rig.ring(soon(3600), range(10))
    await rig.ring(soon(10800), range(10, 20))
    two = rig.start("two")
    await two.ready(rig.partitions // 2)
    rig.later(7200)
    one.discard()
    await eventually(lambda: rig.rang_for(range(10)), 60, "what is due rings")
    rig.later(14400)
    await rig.all_rang()
    await rig.same_watched(two)


async def test_a_frozen_worker_that_wakes_up_rings_nothing_again(rig: Alarmed) -> None:
    await rig.tell(rig.facts(40))
    await rig.ring(soon(3600), range(20))
    one = rig.start("one")
    await rig.folded()
    one.pause()
    fences: list[Ledger] = [await rig.take_fence(number) for number in range(rig.partitions)]
    two = rig.start("two")
    await asyncio.gather(*(fence.close() for fence in fences))
    await two.ready(rig.partitions)
    rig.later(7200)
    one.go_on()
    await rig.all_rang(20)
    assert await one.exit_code() == 1
    # The group has counted it out by now, or soon will have.
    await two.ready(rig.partitions)
    await rig.same_watched(two)


async def test_a_standby_that_takes_over_has_the_index_and_so_has_who_comes_back(rig: Alarmed) -> None:
    """A partition goes and comes back while its rows change: the former owner's index and rows are not gone on from."""
    one = rig.start("one")
    await one.ready(rig.partitions)
    await rig.tell(rig.facts(40))
    await rig.ring(soon(3600), range(20))
    await rig.folded()
    two = rig.start("two")
    await two.ready(rig.partitions // 2)
    await rig.tell(rig.facts(40))
    # What was asked for is moved, while each stands by for the other.
    await rig.ring(soon(12), range(20))
    await rig.folded()
    await eventually(lambda: sum(two.said("standby")) > 0, 40, "the second worker stands by")
    one.discard()
    await two.ready(rig.partitions)
    await rig.tell(rig.facts(20))
    again = rig.start("one")
    await again.ready(rig.partitions // 2)
    await rig.tell(rig.facts(20))
    await rig.folded(but=one)
    await rig.moved_rang(20, 40)
    for worker in (again, two):
        await worker.stop()
        assert worker.said("misindexed")[-1] == []


@pytest.mark.parametrize("failpoint", [None, "index.derived:2"], ids=["once", "killed"])
async def test_another_version_of_an_index_is_derived_from_all_rows(rig: Alarmed, failpoint: str | None) -> None:
    await rig.tell(rig.facts(40))
    await rig.ring(soon(3600), range(20))
    first = rig.start()
    await first.ready(rig.partitions)
    await rig.folded()
    await first.stop()
    assert len(first.said("listed")[-1]) == 20
    if failpoint:
        killed = rig.start(failpoint=failpoint, index=3)
        assert await killed.exit_code() == -signal.SIGKILL
        # Half of it is derived; the release before comes back, and must not take that for its own.
        before = rig.start()
        await before.ready(rig.partitions)
        await before.stop()
        assert (before.said("misindexed")[-1], len(before.said("listed")[-1])) == ([], 20)
    second = rig.start(index=3)
    await second.ready(rig.partitions)
    await rig.tell(rig.facts(40))
    await rig.folded()
    await second.stop()
    assert second.said("misindexed")[-1] == []
    assert len(second.said("listed")[-1]) == 60


async def test_a_row_that_cannot_be_read_stops_the_worker_until_it_is_mended(rig: Alarmed) -> None:
    await rig.tell(rig.facts(40))
    first = rig.start()
    await first.ready(rig.partitions)
    await rig.folded()
    await first.stop()
    key, right = next(iter((await rig.table(rig.second)).items()))
    partition = partition_of(key, rig.partitions)
    async with AIOKafkaProducer(bootstrap_servers=rig.bootstrap) as past_everybody:
        await past_everybody.send_and_wait(rig.second, b"{", key=key, partition=partition)
    for name in ("one", "two"):
        stopped = rig.start(name)
        assert await stopped.exit_code() not in (0, None)
        assert f"{rig.second}/{partition}: a row cannot be read by this release; start the release" in stopped.log
    async with AIOKafkaProducer(bootstrap_servers=rig.bootstrap) as past_everybody:
        await past_everybody.send_and_wait(rig.second, right, key=key, partition=partition)
    for name in ("one", "two"):
        mended = rig.start(name)
        await mended.ready(rig.partitions)
        await mended.stop()
        assert mended.said("misindexed")[-1] == []
