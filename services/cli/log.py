"""Reading the log for people: the committed records of topics, from a moment to their present ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from services.cli.topic_admin import connect
from services.contract.topics import Topic
from services.runtime.config import ConfigError, KafkaSettings
from services.runtime.kafka import client_options

_POLL_MS = 200
# Without a single record further.
_STALLED_S = 30.0
# Handed out together, so that nobody holds much of a log at once.
_TOGETHER = 500

# Takes a record as aiokafka gives it: key, value, headers, partition, offset, timestamp.
Take = Callable[[ConsumerRecord], None]
# Hears how many records were read, of how many.
Told = Callable[[int, int], None]


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
            raise LogError(
                f"{name} has {topic.partitions} partitions, kafka.partitions says {kafka.partitions}; facts would go "
                "where nobody looks for them: correct the setting"
            )


@contextmanager
def readable(kafka: KafkaSettings) -> Iterator[None]:
    """Turns what the Kafka client raises into a LogError."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise LogError(f"Kafka at {kafka.bootstrap} cannot be read: {error}; run it again") from error


def heed_stop() -> None:
    """Raises CancelledError after a Ctrl-C: the Kafka client may swallow the cancellation that it is."""
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError


class LogReader:
    """Reads topics while it is open. Nothing is committed: no group knows of it."""

    def __init__(self, kafka: KafkaSettings, from_ms: int | None) -> None:
        """`from_ms`: read what was written then or later, in milliseconds since 1970; None: everything."""
        self._kafka = kafka
        self._from_ms = from_ms
        self._consumer = AIOKafkaConsumer(
            **client_options(kafka),
            isolation_level="read_committed",
            enable_auto_commit=False,
            max_poll_records=_TOGETHER,
            # Where retention overtakes the reader it goes on with what is left; by default it would skip all of that.
            auto_offset_reset="earliest",
        )

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

        Raises LogError if Kafka stalls.
        """
        ends = await self.ends(self._partitions(topics))
        async for records in self._up_to(ends, told):
            for record in records:
                take(record)
        return ends

    async def batches(self, topic: Topic, told: Told) -> AsyncGenerator[list[ConsumerRecord]]:
        """Records, some hundreds at a time and those of a partition in order, up to the end that the topic has now.

        Raises LogError if Kafka stalls.
        """
        async for records in self._up_to(await self.ends(self._partitions([topic.name])), told):
            yield records

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets that come next, as readers of committed records see it."""
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        return found

    async def _up_to(self, ends: dict[TopicPartition, int], told: Told) -> AsyncGenerator[list[ConsumerRecord]]:
        partitions = list(ends)
        self._consumer.assign(partitions)
        starts = await self._starts(partitions, ends)
        for partition, offset in starts.items():
            self._consumer.seek(partition, offset)
        total, done, moved_at = sum(max(0, ends[one] - starts[one]) for one in partitions), -1, 0.0
        clock = asyncio.get_running_loop().time
        while done < total:
            heed_stop()
            at = await self._positions(partitions)
            before, done = done, sum(max(0, min(at[one], ends[one]) - starts[one]) for one in partitions)
            told(done, total)
            moved_at = clock() if done > before else moved_at
            if clock() - moved_at > _STALLED_S:
                behind = ", ".join(sorted({one.topic for one in partitions if at[one] < ends[one]}))
                raise LogError(f"Kafka stopped answering while {behind} was read; see to it, and run it again")
            if done < total and (records := await self._poll(ends)):
                yield records

    def _partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        return [TopicPartition(name, number) for name in topics for number in range(self._kafka.partitions)]

    async def oldest(self, topic: Topic) -> dict[int, int]:
        """By partition: the first offset that the topic still has."""
        partitions = self._partitions([topic.name])
        return {one.partition: offset for one, offset in (await self._consumer.beginning_offsets(partitions)).items()}

    async def _poll(self, ends: dict[TopicPartition, int]) -> list[ConsumerRecord]:
        # What came since is left out: it may be what its reader wrote because of what it read.
        polled = await self._consumer.getmany(timeout_ms=_POLL_MS)
        return [one for partition, records in polled.items() for one in records if one.offset < ends[partition]]

    async def _positions(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        # By position, for the last record of a transaction is followed by a marker that nobody is given.
        return {one: await self._consumer.position(one) for one in partitions}

    async def _starts(
        self, partitions: list[TopicPartition], ends: dict[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        if self._from_ms is None:
            first: dict[TopicPartition, int] = await self._consumer.beginning_offsets(partitions)
            return first
        found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, self._from_ms))
        return {one: found[one].offset if found[one] else ends[one] for one in partitions}
