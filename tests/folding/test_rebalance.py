"""Workers come and go while facts keep coming: nothing is lost, and nobody folds what is no longer theirs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.folding.process import Worker
from tests.folding.rig import Rig, rig_with
from tests.waiting import eventually


@asynccontextmanager
async def load(rig: Rig, chunk: int = 20, pause_s: float = 0.05) -> AsyncIterator[None]:
    """Facts keep coming while the block runs."""
    enough = asyncio.Event()

    async def tell() -> None:
        while not enough.is_set():
            await rig.tell(rig.facts(chunk))
            await asyncio.sleep(pause_s)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        enough.set()
        await telling


async def test_a_second_worker_joins_and_leaves_under_load(rig: Rig) -> None:
    one = rig.start("one")
    await one.ready(rig.partitions)
    async with load(rig):
        two = rig.start("two")
        await two.ready(rig.partitions // 2)
        await one.ready(rig.partitions // 2)
        await two.stop()
        await one.ready(rig.partitions)
    await rig.folded()
    await rig.same_rows([await one.stop()])


async def test_a_standby_that_takes_over_reads_only_the_tail(rig: Rig) -> None:
    await rig.tell(rig.facts(1000, keys=200))
    one, two = rig.start("one"), rig.start("two")
    await one.ready(rig.partitions // 2)
    await two.ready(rig.partitions // 2)
    await rig.folded()
    rows_written = len(await rig.read(rig.changelog))

    def follows() -> bool:
        # The newest of a worker's own and of its standbys' records make up the whole changelog, at least.
        flushed = sum(line["rows"] for line in two.lines() if "flushed" in line)
        return flushed + sum(two.said("standby")) + sum(two.said("restored")) >= rows_written

    await eventually(follows, 40, "the second worker has read what the first one wrote")
    read_before = sum(two.said("restored"))
    one.discard()
    await two.ready(rig.partitions)
    # The record at each remembered offset is read again.
    assert sum(two.said("restored")) - read_before <= rig.partitions < rows_written / 10
    await rig.tell(rig.facts(100, keys=200))
    await rig.folded()
    await rig.same_rows([await two.stop()])


@pytest.mark.slow
async def test_three_workers_come_and_go_under_load(kafka: str, tmp_path: Path) -> None:
    async with rig_with(kafka, tmp_path, partitions=6) as rig:
        one = rig.start("one")
        await one.ready(6)
        async with load(rig):
            two, three = rig.start("two"), rig.start("three")
            await all_ready(one, two, three)
            one.discard()
            await all_ready(two, three)
            one = rig.start("one")
            await all_ready(one, two, three)
            await two.stop()
            await all_ready(one, three)
            two = rig.start("two")
            await all_ready(one, two, three)
            await three.stop()
            await all_ready(one, two)
        await rig.folded()
        await rig.same_rows(await rig.stop(one, two))


async def all_ready(*workers: Worker) -> None:
    """Wait until these workers share all partitions evenly."""
    for worker in workers:
        await worker.ready(6 // len(workers), deadline_s=60)
