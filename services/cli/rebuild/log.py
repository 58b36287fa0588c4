"""The log under a rebuild: where its topics begin and end, how far the live app is, and records between offsets."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.cli.rebuild.errors import RebuildError
from services.cli.topic_admin import TopicAdmin
from services.runtime.config import KafkaSettings
from services.runtime.folding.fold import Record
from services.runtime.kafka import client_options

_POLL_MS = 50
# A broker answers the requests of a connection in order: whatever is asked waits for a fetch under way to return.
_FETCH_WAIT_MS = 50
# Without a single record further.
_STALLED_S = 30.0
Offsets = Mapping[TopicPartition, int]


class Log:
    """Committed records, read by offset while it is open. Nothing is committed: no group knows of it."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: TopicAdmin) -> None:
        self._admin = admin
        self._consumer = consumer

    async def begins(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The first offset that retention has left of each."""
        found: Offsets = await self._consumer.beginning_offsets(list(partitions))
        return found

    async def ends(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The offset after the last of each."""
        found: Offsets = await self._consumer.end_offsets(list(partitions))
        return found

    async def folded(self, group: str, partitions: Iterable[TopicPartition]) -> Offsets:
        """The offset below which a group has folded everything; 0 where it has said nothing yet."""
        return await self._admin.committed(group, list(partitions))

    async def members(self, group: str) -> int:
        """How many workers a group has now."""
        return await self._admin.members(group)

    async def read(self, since: Offsets, until: Offsets) -> AsyncIterator[list[Record]]:
        """The records of each partition from one offset up to, not including, another.

        Raises RebuildError if Kafka stalls, or retention removes some of them meanwhile.
        """
        wanted = {one: offset for one, offset in since.items() if offset < until[one]}
        if not wanted:
            return
        self._consumer.assign(list(wanted))
        for partition, offset in wanted.items():
            self._consumer.seek(partition, offset)
        clock = asyncio.get_running_loop().time
        before, moved_at = dict(wanted), clock()
        # By position, for the last record of a transaction is followed by a marker that nobody is given.
        while any(before[one] < until[one] for one in wanted):
            batch = await self._consumer.getmany(timeout_ms=_POLL_MS)
            records = [
                Record.of(one) for partition, found in batch.items() for one in found if one.offset < until[partition]
            ]
            if records:
                # As they came: of several topics none runs far ahead.
                yield sorted(records, key=lambda one: (one.timestamp, one.topic, one.offset))
            now_at = {one: await self._consumer.position(one) for one in wanted}
            moved_at = clock() if now_at != before else moved_at
            if clock() - moved_at > _STALLED_S:
                raise RebuildError("Kafka stopped answering while the log was read; see to it, and run it again")
            before = now_at
        # Where retention overtook us, aiokafka went on with what was left.
        if cut := sorted({one.topic for one, begin in (await self.begins(wanted)).items() if begin > wanted[one]}):
            raise RebuildError(f"retention cut {', '.join(cut)} while it was read; run it again")


@asynccontextmanager
async def reading(kafka: KafkaSettings, admin: TopicAdmin) -> AsyncIterator[Log]:
    """The log, while the block lasts."""
    consumer = AIOKafkaConsumer(
        **client_options(kafka),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    try:
        await consumer.start()
        yield Log(consumer, admin)
    finally:
        # A task of the consumer's that has not begun would hand its cancellation on to us, in place of any error.
        await asyncio.sleep(0)
        await consumer.stop()
