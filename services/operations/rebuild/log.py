"""The log under a rebuild: where its topics begin and end, how far the live app is, and records between offsets."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.operations.log import Offsets, log_consumer, look_up, read_between
from services.operations.topic_admin import TopicAdmin
from services.runtime.folding.fold import Record
from services.runtime.sections.kafka import KafkaSettings


class Log:
    """Committed records, read by offset while it is open. Nothing is committed: no group knows of it."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: TopicAdmin) -> None:
        self._admin = admin
        self._consumer = consumer

    async def begins(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The first offset that retention has left of each."""
        look_up(self._consumer, wanted := list(partitions))
        found: Offsets = await self._consumer.beginning_offsets(wanted)
        return found

    async def ends(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The offset after the last of each."""
        look_up(self._consumer, wanted := list(partitions))
        found: Offsets = await self._consumer.end_offsets(wanted)
        return found

    async def folded(self, group: str, partitions: Iterable[TopicPartition]) -> Offsets:
        """The offset below which a group has folded everything; 0 where it has said nothing yet."""
        return await self._admin.committed(group, list(partitions))

    async def members(self, group: str) -> int:
        """How many workers a group has now."""
        return await self._admin.members(group)

    async def read(self, since: Offsets, until: Offsets) -> AsyncIterator[list[Record]]:
        """The records of each partition from one offset up to, not including, another.

        Raises LogError, as `read_between` does.
        """
        async with aclosing(read_between(self._consumer, since, until, _nobody)) as read:
            async for records in read:
                # As they came: of several topics none runs far ahead.
                yield sorted(map(Record.of, records), key=lambda one: (one.timestamp, one.topic, one.offset))


def _nobody(_done: int, _total: int) -> None:
    """Hears how far a part is: what is told is how far the whole is."""


@asynccontextmanager
async def reading(kafka: KafkaSettings, admin: TopicAdmin) -> AsyncIterator[Log]:
    """The log, while the block lasts."""
    consumer = log_consumer(kafka)
    try:
        await consumer.start()
        yield Log(consumer, admin)
    finally:
        # A task of the consumer's that has not begun would hand its cancellation on to us, in place of any error.
        await asyncio.sleep(0)
        await consumer.stop()
