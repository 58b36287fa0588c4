"""Reading the log for people while retention takes records away."""

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.client import AIOKafkaClient

from services.operations.log import LogError, LogReader, log_consumer, read_between
from services.runtime.sections.kafka import KafkaSettings
from tests.kafka_records import create_topic, produce
from tests.waiting import eventually

# Several fetches of a partition, which bring 1 MiB.
_RECORDS = 60
_VALUE = b"x" * 100_000


async def _cut(bootstrap: str, partition: TopicPartition, before: int) -> None:
    """Retention has taken all before that offset."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_records({partition: RecordsToDelete(before)})
    finally:
        await admin.close()


@pytest.fixture
async def topic(kafka: str) -> str:
    name = await create_topic(kafka, "read", 1)
    await produce(kafka, name, [(None, _VALUE)] * _RECORDS)
    return name


def _consumer(kafka: str) -> AIOKafkaConsumer:
    return log_consumer(KafkaSettings(bootstrap=kafka))


def _nobody(_done: int, _total: int) -> None: ...


async def test_what_was_read_may_go_and_nothing_else_is_missed(kafka: str, topic: str) -> None:
    one, found, heard = TopicPartition(topic, 0), [], []
    async with _consumer(kafka) as consumer:
        since, until = {one: 5}, {one: _RECORDS - 2}
        async for records in read_between(consumer, since, until, lambda *far: heard.append(far), 4):
            found += [record.offset for record in records]
            await _cut(kafka, one, found[-1] + 1)
    assert found == list(range(5, _RECORDS - 2))
    assert heard[0] == (0, _RECORDS - 7)
    assert heard[-1] == (_RECORDS - 7, _RECORDS - 7)
    assert heard == sorted(heard)


async def test_what_goes_before_it_is_read_is_told(kafka: str, topic: str) -> None:
    one, found = TopicPartition(topic, 0), []

    async def read(consumer: AIOKafkaConsumer) -> None:
        async for records in read_between(consumer, {one: 0}, {one: _RECORDS}, _nobody, 4):
            found.extend(record.offset for record in records)
            await _cut(kafka, one, _RECORDS - 1)

    async with _consumer(kafka) as consumer:
        with pytest.raises(LogError, match=f"retention removed records of {topic} before they were read"):
            await read(consumer)
    assert found == list(range(len(found)))
    assert 0 < len(found) < _RECORDS - 1


async def test_what_goes_beyond_its_end_hinders_nobody(kafka: str, topic: str) -> None:
    """The reader stands at the end of one topic, where nothing is any more, while it reads on in another."""
    short = await create_topic(kafka, "short", 1)
    await produce(kafka, short, [(None, b"one")] * 3)
    one, other, found = TopicPartition(short, 0), TopicPartition(topic, 0), 0
    async with _consumer(kafka) as consumer:
        until = {one: 3, other: _RECORDS}
        async for records in read_between(consumer, {one: 0, other: 0}, until, _nobody, 4):
            found += len(records)
            if found > 10:
                await produce(kafka, short, [(None, b"later")])
                await _cut(kafka, one, -1)
    assert found == _RECORDS + 3


async def test_where_nothing_is_to_be_read_it_ends(kafka: str, topic: str) -> None:
    one = TopicPartition(topic, 0)
    async with _consumer(kafka) as consumer:
        assert await consumer.end_offsets([one]) == {one: _RECORDS}
        assert [some async for some in read_between(consumer, {one: 9}, {one: 9}, _nobody)] == []
        assert [some async for some in read_between(consumer, {}, {}, _nobody)] == []


async def test_what_went_from_a_topic_that_is_read_is_no_word_on_the_next(kafka: str, topic: str) -> None:
    """Beyond the end of the first, after its last records were fetched; one consumer reads both, one by one."""
    other = await create_topic(kafka, "next", 1)
    await produce(kafka, other, [(None, b"one")] * 3)
    one, next_one, found = TopicPartition(topic, 0), TopicPartition(other, 0), 0
    async with _consumer(kafka) as consumer:
        # Up to where its first fetch ends, so that the next one asks for what is gone.
        consumer.assign([one])
        consumer.seek(one, 0)
        end = len((await consumer.getmany(timeout_ms=10_000))[one])
        async for records in read_between(consumer, {one: 0}, {one: end}, _nobody, 4):
            found += len(records)
            if found == 4:
                await _cut(kafka, one, _RECORDS - 1)
            if found == end:
                # As one does that writes what it was given.
                await eventually(lambda: _failed(consumer, one), 10, "the fetch of what is gone has come back")
        assert found == end
        there = [len(some) async for some in read_between(consumer, {next_one: 0}, {next_one: 3}, _nobody)]
    assert sum(there) == 3


async def _failed(consumer: AIOKafkaConsumer, partition: TopicPartition) -> bool:
    return type(consumer._fetcher._records.get(partition)).__name__ == "FetchError"


async def test_it_learns_where_topics_lie_by_one_question(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names, asked, ask = [await create_topic(kafka, "many", 1) for _ in range(5)], [], AIOKafkaClient._metadata_update

    async def counted(client: AIOKafkaClient, cluster: object, topics: list[str]) -> bool:
        asked.append(sorted(topics))
        return bool(await ask(client, cluster, topics))

    async with LogReader(KafkaSettings(bootstrap=kafka, partitions=1), None) as log:
        monkeypatch.setattr(AIOKafkaClient, "_metadata_update", counted)
        assert set((await log.ends([TopicPartition(name, 0) for name in names])).values()) == {0}
    assert asked == [sorted(names)]
