"""Topics and records for tests. `client` goes to aiokafka's clients as it is: security settings, say."""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from services.contract.codec import headers
from services.contract.topics import BY_CONTACT
from tests.waiting import eventually


async def create_topic(
    bootstrap: str,
    name: str = "test",
    partitions: int = 1,
    config: Mapping[str, str] | None = None,
    **client: Any,
) -> str:
    """Create `{name}-{random}` and return that name, so that tests can share a broker."""
    unique = f"{name}-{uuid.uuid4().hex[:12]}"
    await create_topics(bootstrap, [unique], partitions, config, **client)
    return unique


async def create_topics(
    bootstrap: str,
    names: Iterable[str],
    partitions: int = 1,
    config: Mapping[str, str] | None = None,
    **client: Any,
) -> None:
    """Create topics under exactly these names, and wait until the broker names them; its refusal is raised."""
    wanted = list(names)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **client)
    await admin.start()
    try:
        answer = await admin.create_topics(
            [NewTopic(name, partitions, 1, topic_configs=dict(config or {})) for name in wanted]
        )
        for name, code, message in answer.topic_errors:
            if code:
                raise for_code(code)(f"{name}: {message}")

        async def named() -> bool:
            # What the controller has made, the broker learns of a moment later.
            return {*wanted} <= {*await admin.list_topics()}

        await eventually(named, 30, "the broker names the new topics")
    finally:
        await admin.close()


async def produce(
    bootstrap: str, topic: str, records: Iterable[tuple[bytes | None, bytes | None]], **client: Any
) -> None:
    """Write (key, value) records in order and return when all in-sync replicas have them.

    Where the key is a contact's, the record says so as a service's would.
    """
    named = headers(topic) if topic in BY_CONTACT else []
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", **client) as producer:
        acks = [await producer.send(topic, value, key=key, headers=named) for key, value in records]
        for ack in acks:
            await ack


async def read_until(
    bootstrap: str,
    topic: str,
    enough: Callable[[list[ConsumerRecord]], bool],
    deadline_s: float = 20.0,
    **client: Any,
) -> list[ConsumerRecord]:
    """Read all partitions from the start until `enough(records so far)`; fail after `deadline_s` seconds."""
    records: list[ConsumerRecord] = []
    started = time.monotonic()
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None, **client
    ) as consumer:
        while not enough(records):
            if time.monotonic() - started > deadline_s:
                last = [record.value for record in records[-5:]]
                pytest.fail(f"{topic}: not enough in {deadline_s:g} s; {len(records)} records, the last {last}")
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                records.extend(batch)
    return records


async def read(
    bootstrap: str,
    topic: str,
    count: int,
    deadline_s: float = 20.0,
    **client: Any,
) -> list[ConsumerRecord]:
    """The first `count` records or a few more, in the order of their partitions."""
    return await read_until(bootstrap, topic, lambda records: len(records) >= count, deadline_s, **client)


async def committed(
    bootstrap: str, topic: str, partitions: int, *, waits: bool = True, **client: Any
) -> list[ConsumerRecord]:
    """All that stands on a topic now, committed; of each partition in order.

    A commit is acknowledged before readers of committed records see it, so what is under way is waited for. Whoever was
    killed in a transaction is waited for until that times out: without `waits` it is read what a reader sees by now.
    """
    wanted = [TopicPartition(topic, number) for number in range(partitions)]
    level = "read_uncommitted" if waits else "read_committed"
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=level, enable_auto_commit=False, **client
    ) as written:
        ends = await written.end_offsets(wanted)
    records: list[ConsumerRecord] = []
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False, **client
    ) as consumer:
        consumer.assign(wanted)
        await consumer.seek_to_beginning(*wanted)
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                records.extend(batch)
    return records
