"""The log's end, for whoever compares: the committed records of topics, up to their present ends."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime.config import ConfigError, KafkaSettings
from services.runtime.kafka import client_options

_POLL_MS = 200
# Without a single record further.
_STALLED_S = 30.0

# Takes a record as aiokafka gives it: key, value, headers, partition, offset, timestamp.
Take = Callable[[Any], None]
# Hears how many records were read, of how many.
Told = Callable[[int, int], None]


class LogError(ConfigError):
    """The log cannot be read; a sentence for people, with what to do next."""


class LogReader:
    """Reads topics while it is open. Nothing is committed: no group knows of it."""

    def __init__(self, kafka: KafkaSettings, from_ms: int | None) -> None:
        """`from_ms`: read what was written then or later, in milliseconds since 1970; None: everything."""
        self._kafka = kafka
        self._from_ms = from_ms
        self._consumer = AIOKafkaConsumer(
            **client_options(kafka), isolation_level="read_committed", enable_auto_commit=False
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
        partitions = [TopicPartition(name, number) for name in topics for number in range(self._kafka.partitions)]
        self._consumer.assign(partitions)
        ends = await self.ends(partitions)
        starts = await self._starts(partitions, ends)
        for partition, offset in starts.items():
            self._consumer.seek(partition, offset)
        total, done, moved_at = sum(max(0, ends[one] - starts[one]) for one in partitions), -1, 0.0
        clock = asyncio.get_running_loop().time
        while done < total:
            at = await self._positions(partitions)
            before, done = done, sum(max(0, min(at[one], ends[one]) - starts[one]) for one in partitions)
            told(done, total)
            moved_at = clock() if done > before else moved_at
            if clock() - moved_at > _STALLED_S:
                behind = ", ".join(sorted({one.topic for one in partitions if at[one] < ends[one]}))
                raise LogError(f"Kafka stopped answering while {behind} was read; see to it, and run it again")
            if done < total:
                await self._take(take, ends)
        return ends

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets that come next, as readers of committed records see it."""
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        return found

    async def _take(self, take: Take, ends: dict[TopicPartition, int]) -> None:
        for partition, records in (await self._consumer.getmany(timeout_ms=_POLL_MS)).items():
            for record in records:
                if record.offset < ends[partition]:
                    take(record)

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
