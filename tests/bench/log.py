"""Writing many records to Kafka fast, and seeing how far others are."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.partitioner import DefaultPartitioner

from services.contract.codec import headers
from services.operations.log import look_up
from services.runtime.kafka import durable_producer
from services.runtime.sections.kafka import KafkaSettings
from tests.bench.rig import PARTITIONS

_CHUNK = 5000
_partition_of_key = DefaultPartitioner()

Pair = tuple[bytes, bytes]


async def produce(bootstrap: str, topic: str, records: Iterable[Pair]) -> None:
    """Write records, a few large batches at a time; each key on the partition where any client puts it."""
    kafka = KafkaSettings(bootstrap=bootstrap, replication=1, min_insync_replicas=1)
    async with durable_producer(kafka) as producer:
        partitions = sorted(await producer.partitions_for(topic))
        for chunk in _chunks(iter(records)):
            by_partition: dict[int, list[Pair]] = defaultdict(list)
            for record in chunk:
                by_partition[_partition_of_key(record[0], partitions, partitions)].append(record)
            await asyncio.gather(*(_send(producer, topic, at, found) for at, found in by_partition.items()))


def _chunks(records: Iterator[Pair]) -> Iterator[list[Pair]]:
    while chunk := list(islice(records, _CHUNK)):
        yield chunk


async def _send(producer: AIOKafkaProducer, topic: str, partition: int, records: list[Pair]) -> None:
    while records:
        batch = producer.create_batch()
        taken = 0
        for key, value in records:
            if batch.append(key=key, value=value, timestamp=None, headers=headers(topic)) is None:
                break
            taken += 1
        await (await producer.send_batch(batch, topic, partition=partition))
        records = records[taken:]


async def committed(bootstrap: str, group: str, topic: str) -> int:
    """How many records of a topic a consumer group has committed, over all partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        # Nobody has joined a group at this broker before.
        return 0
    finally:
        await admin.close()
    return sum(found.offset for tp, found in offsets.items() if tp.topic == topic and found.offset > 0)


async def ends(bootstrap: str, topics: Iterable[str], partitions: int = PARTITIONS) -> dict[TopicPartition, int]:
    """The end of every partition of these topics."""
    return await _ends(bootstrap, [TopicPartition(topic, number) for topic in topics for number in range(partitions)])


async def _ends(bootstrap: str, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
        look_up(consumer, tps)
        found: dict[TopicPartition, int] = await consumer.end_offsets(tps)
    return found


async def times(bootstrap: str, since: dict[TopicPartition, int], topics: Iterable[str]) -> list[int]:
    """When the broker wrote each committed record of these topics (ms), from `since` on, which names all of their
    partitions."""
    wanted = set(topics)
    until = await _ends(bootstrap, [tp for tp in since if tp.topic in wanted])
    found: list[int] = []
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, isolation_level="read_committed"
    ) as consumer:
        consumer.assign(list(until))
        for tp in until:
            consumer.seek(tp, since[tp])
        while any([await consumer.position(tp) < end for tp, end in until.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += [record.timestamp for record in batch]
    return found
