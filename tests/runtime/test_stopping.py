"""A consumer that ends does not end whoever ends it, whatever its own tasks wait for."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from services.runtime.kafka import client_options
from services.runtime.sections.kafka import KafkaSettings
from tests.kafka_records import create_topic
from tests.waiting import eventually


def a_consumer(kafka: str, **options: Any) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(**client_options(KafkaSettings(bootstrap=kafka)), **options)


async def test_whoever_stops_it_at_once_goes_on(kafka: str) -> None:
    consumer = a_consumer(kafka)
    await consumer.start()
    await consumer.stop()


async def test_whoever_stops_it_while_it_waits_to_try_again_goes_on(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await create_topic(kafka)
    consumer = a_consumer(kafka, retry_backoff_ms=60_000)
    await consumer.start()
    asked: list[object] = []

    async def away(*_: object, **__: object) -> None:
        asked.append(None)
        raise KafkaConnectionError("no broker answers")

    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek(TopicPartition(topic, 0), 0)
    monkeypatch.setattr(consumer._client, "send", away)
    await eventually(lambda: asked, what="it asks the broker")
    connections = list(consumer._client._conns.values())
    await consumer.stop()
    assert [one.connected() for one in connections] == [False] * len(connections)


async def test_a_cancellation_of_ones_own_is_felt(kafka: str) -> None:
    consumer = a_consumer(kafka)
    await consumer.start()
    stopping = asyncio.create_task(consumer.stop())
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
