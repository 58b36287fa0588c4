"""Reading the log for people: the committed records of topics, from a moment to their present ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from services.contract.topic import Topic
from services.operations.topic_admin import connect, other_count
from services.runtime.kafka import client_options, trouble
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings

_POLL_MS = 200
# A broker answers the requests of a connection in order: whatever is asked waits for a fetch under way to return.
_FETCH_WAIT_MS = 50
# Without a single record further.
_STALLED_S = 30.0
# Handed out together, so that nobody holds much of a log at once.
_TOGETHER = 500

# Takes a record as aiokafka gives it: key, value, headers, partition, offset, timestamp.
Take = Callable[[ConsumerRecord], None]
# Hears how many records were read, of how many.
Told = Callable[[int, int], None]
Offsets = Mapping[TopicPartition, int]


class LogError(ConfigError):
    """A sentence for people: why the log cannot be read or written, and what to do next."""


async def check(kafka: KafkaSettings, names: Sequence[str]) -> None:
    """Raises ConfigError, with the remedy, unless Kafka answers and has these topics with our number of partitions."""
    async with connect(kafka) as admin:
        actual = await admin.actual(names)
    if absent := [name for name in names if name not in actual]:
        raise LogError(f"no topic {', '.join(absent)}; run `switchboard topics apply`")
    for name, topic in actual.items():
        if topic.partitions != kafka.partitions:
            raise LogError(other_count([name], topic.partitions, kafka.partitions))


@contextmanager
def readable(kafka: KafkaSettings) -> Iterator[None]:
    """Turns what the Kafka client raises into a LogError."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise LogError(f"Kafka at {kafka.bootstrap} cannot be read ({trouble(error)}); run it again") from error


def heed_stop() -> None:
    """Raises CancelledError after a Ctrl-C: the Kafka client may swallow the cancellation that it is."""
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError


def log_consumer(kafka: KafkaSettings) -> AIOKafkaConsumer:
    """A consumer of committed records, not started, for `read_between`. Nothing is committed: no group knows of it."""
    return AIOKafkaConsumer(
        **client_options(kafka),
        isolation_level="read_committed",
        enable_auto_commit=False,
        # Where retention overtakes a reader, it is to know.
        auto_offset_reset="none",
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )


async def read_between(
    consumer: AIOKafkaConsumer, since: Offsets, until: Offsets, told: Told, together: int | None = None
) -> AsyncGenerator[list[ConsumerRecord]]:
    """The records of each partition from one offset up to, not including, another; those of a partition in order.

    `together`: at most so many at a time. Raises LogError if Kafka stalls, or if retention removes some before they are
    read. What was read may go meanwhile.
    """
    wanted = {one: offset for one, offset in since.items() if offset < until[one]}
    total, done, moved_at = sum(until[one] - offset for one, offset in wanted.items()), -1, 0.0
    consumer.assign(list(wanted))
    for partition, offset in wanted.items():
        consumer.seek(partition, offset)
    clock = asyncio.get_running_loop().time
    while done < total:
        heed_stop()
        # By position, for the last record of a transaction is followed by a marker that nobody is given.
        at = {one: await consumer.position(one) for one in wanted}
        before, done = done, sum(min(at[one], until[one]) - offset for one, offset in wanted.items())
        told(done, total)
        moved_at = clock() if done > before else moved_at
        if clock() - moved_at > _STALLED_S:
            behind = ", ".join(sorted({one.topic for one in wanted if at[one] < until[one]}))
            raise LogError(f"Kafka stopped answering while {behind} was read; see to it, and run it again")
        consumer.pause(*(one for one in wanted if at[one] >= until[one]))
        if done < total and (records := await _poll(consumer, until, together)):
            yield records


async def _poll(consumer: AIOKafkaConsumer, until: Offsets, together: int | None) -> list[ConsumerRecord]:
    try:
        polled = await consumer.getmany(timeout_ms=_POLL_MS, max_records=together)
    except OffsetOutOfRangeError as error:
        # It may be of what this consumer read before, and does not read any more.
        if lost := sorted({one.topic for one, offset in error.args[0].items() if offset < until.get(one, 0)}):
            raise LogError(
                f"retention removed records of {', '.join(lost)} before they were read; run it again for what is left"
            ) from error
        return []
    # What came since is left out: it may be what its reader wrote because of what it read.
    return [one for partition, records in polled.items() for one in records if one.offset < until[partition]]


def look_up(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
    """Before it is asked for offsets: it learns by one question which brokers have them.

    By itself it asks for one topic after the other, a tenth of a second each.
    """
    for topic in {one.topic for one in partitions}:
        consumer._client.add_topic(topic)


class LogReader:
    """Reads topics while it is open. Nothing is committed: no group knows of it."""

    def __init__(self, kafka: KafkaSettings, from_ms: int | None) -> None:
        """`from_ms`: read what was written then or later, in milliseconds since 1970; None: everything."""
        self._kafka = kafka
        self._from_ms = from_ms
        self._consumer = log_consumer(kafka)

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def read(self, topics: Sequence[str], take: Take, told: Told) -> dict[TopicPartition, int]:
        """Give `take` every record up to the ends that these topics have now, and return the ends.

        Raises LogError, as `read_between` does.
        """
        ends = await self.ends(self._partitions(topics))
        async for records in self._up_to(ends, told):
            for record in records:
                take(record)
        return ends

    async def batches(self, topic: Topic, told: Told) -> AsyncGenerator[list[ConsumerRecord]]:
        """Records, some hundreds at a time and those of a partition in order, up to the end that the topic has now.

        Raises LogError, as `read_between` does.
        """
        async for records in self._up_to(await self.ends(self._partitions([topic.name])), told):
            yield records

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets that come next, as readers of committed records see it."""
        look_up(self._consumer, partitions)
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        return found

    async def _up_to(self, ends: dict[TopicPartition, int], told: Told) -> AsyncGenerator[list[ConsumerRecord]]:
        starts = await self._starts(list(ends), ends)
        async for records in read_between(self._consumer, starts, ends, told, _TOGETHER):
            yield records

    def _partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        return [TopicPartition(name, number) for name in topics for number in range(self._kafka.partitions)]

    async def oldest(self, topic: Topic) -> dict[int, int]:
        """By partition: the first offset that the topic still has."""
        partitions = self._partitions([topic.name])
        return {one.partition: offset for one, offset in (await self._consumer.beginning_offsets(partitions)).items()}

    async def _starts(
        self, partitions: list[TopicPartition], ends: dict[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        if self._from_ms is None:
            first: dict[TopicPartition, int] = await self._consumer.beginning_offsets(partitions)
            return first
        found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, self._from_ms))
        return {one: found[one].offset if found[one] else ends[one] for one in partitions}
