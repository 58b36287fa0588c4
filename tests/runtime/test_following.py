"""Topics that are followed: what is not read is told, and read later."""

import asyncio
import time
from statistics import median

import pytest
from aiokafka import ConsumerRecord

from services.runtime.following import Following
from services.runtime.sections.kafka import KafkaSettings
from tests.kafka_records import create_topic, produce
from tests.waiting import eventually


async def test_each_outage_is_told_and_no_record_is_lost(kafka: str, caplog: pytest.LogCaptureFixture) -> None:
    topic = await create_topic(kafka)
    refused: list[bytes] = []
    taken: list[bytes] = []

    def take(record: ConsumerRecord) -> None:
        # Each record is an outage of its own, and all have one text.
        if record.value not in refused:
            refused.append(record.value)
            raise RuntimeError("no")
        taken.append(record.value)

    following = Following(KafkaSettings(bootstrap=kafka, partitions=1), [topic], take)
    await following.start()
    try:
        await asyncio.wait_for(following.read(), 20)
        for count, value in enumerate((b"one", b"two"), start=1):
            await produce(kafka, topic, [(None, value)])
            await eventually(lambda count=count: len(taken) == count, what="it is read at last")  # type: ignore[misc]
            told = [record.getMessage() for record in caplog.records if topic in record.getMessage()]
            assert told == [f"{topic} cannot be read: Runtime no; trying again"] * count
    finally:
        await following.stop()
    assert taken == [b"one", b"two"]


async def test_a_record_after_a_rest_is_taken_at_once(kafka: str) -> None:
    topic = await create_topic(kafka)
    taken: list[float] = []
    following = Following(
        KafkaSettings(bootstrap=kafka, partitions=1), [topic], lambda _: taken.append(time.monotonic())
    )
    await following.start()
    try:
        await asyncio.wait_for(following.read(), 20)
        waits = []
        for rest_s in (0.3, 0.7, 1.1):
            taken.clear()
            await asyncio.sleep(rest_s)
            await produce(kafka, topic, [(None, b"one")])
            told = time.monotonic()
            await eventually(lambda: bool(taken), what="taken")
            waits.append(taken[0] - told)
        assert median(waits) < 0.2
    finally:
        await following.stop()
