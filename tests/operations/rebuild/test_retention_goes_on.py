"""Retention goes on while a log that it has cut already is rebuilt from."""

import asyncio
import threading

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from services.cli.rebuild import live_folds
from services.contract.messages import INBOUND
from services.operations.log import LogError
from services.operations.progress import Progress
from services.operations.rebuild.plan import plan
from services.operations.rebuild.work import Wish, Work
from tests.processes import settings_of

from .house import PARTITIONS, House, canonical

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


async def _cut_one(house: House) -> None:
    """Retention takes the oldest record of each partition."""
    partitions = [TopicPartition(INBOUND.name, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=house.bootstrap) as consumer:
        begins = await consumer.beginning_offsets(partitions)
    admin = AIOKafkaAdminClient(bootstrap_servers=house.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({one: RecordsToDelete(at + 1) for one, at in begins.items()})
    finally:
        await admin.close()


def _cutting_at(house: House, moment: str) -> tuple[threading.Thread, Progress]:
    """A thread that cuts the log, and what to hear of progress with, so that it does so at that moment, once."""
    cut = threading.Thread(target=lambda: asyncio.run(_cut_one(house)))

    def told(what: str, _done: int, _total: int | None) -> None:
        if what == moment and not cut.ident:
            cut.start()
            cut.join()

    return cut, told


def _work(house: House, table: str, apply: bool) -> Work:
    settings = settings_of(house.settings)
    return Work(settings.kafka, plan(live_folds(settings, "processor"), table, "processor"), Wish(apply=apply))


async def test_what_goes_before_it_is_read_is_told_and_nothing_is_published(house: House) -> None:
    """The evidence has been read, the raw facts have not."""
    before = await house.rows("suppression")
    await house.plant("suppression", [(next(iter(before)), None)])
    planted = await house.rows("suppression")
    work = _work(house, "suppression", apply=True)
    cut, told = _cutting_at(house, "partition 0, log")
    with pytest.raises(LogError, match=f"retention removed records of {INBOUND.name} before they were read"):
        await work.run(told)
    assert cut.ident
    assert work.published == 0
    assert await house.rows("suppression") == planted


@pytest.mark.parametrize("apply", [False, True])
async def test_a_cut_log_may_be_cut_on_while_the_live_rows_are_read(house: House, apply: bool) -> None:
    await _cut_one(house)
    before = await house.rows("recent")
    work = _work(house, "recent", apply)
    cut, told = _cutting_at(house, "partition 0, live")
    await work.run(told)
    assert cut.ident
    assert (work.cut, work.published) == (True, 0)
    assert [one.differing for one in work.found] == [{}, {}]
    assert canonical(await house.rows("recent")) == canonical(before)
