"""All that the log holds of our senders, kept in memory: a small compacted topic, read whole at the start and followed.

Every worker has all of it, whatever partitions of other topics it owns: what is known of a sender counts for anybody.
"""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.contract import codec
from services.contract.topics import SENDERS
from services.domain.senders.directory import NOBODY, Directory
from services.domain.senders.events import SendersStated
from services.runtime.config import KafkaSettings
from services.runtime.kafka import client_options

logger = logging.getLogger(__name__)

_POLL_MS = 500
_AGAIN_S = 1.0


class Directories:
    """By tenant what is known of its senders."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._parts: dict[str, dict[str, SendersStated]] = {}
        self._joined: dict[str, Directory] = {}
        self._whole = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._following = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def read(self) -> None:
        """Wait until all is read that was there when this began."""
        await self._whole.wait()

    def of(self, tenant: str) -> Directory:
        found = self._joined.get(tenant)
        if found is None:
            parts = self._parts.get(tenant)
            if parts is None:
                return NOBODY
            found = self._joined[tenant] = Directory(parts.values())
        return found

    def take(self, key: bytes, value: bytes | None) -> None:
        """One record. What cannot be read is told and left out: only we write there."""
        tenant, _, part = key.decode("utf-8", "replace").rpartition("|")
        if value is None:
            self._parts.get(tenant, {}).pop(part, None)
        else:
            try:
                self._parts.setdefault(tenant, {})[part] = codec.decode(value, SendersStated)
            except codec.DecodeError as error:
                logger.error("%s: %s of %s cannot be read: %s", SENDERS.name, part, tenant, error)
        self._joined.pop(tenant, None)

    async def _follow(self) -> None:
        while True:
            try:
                await self._read()
            except Exception as error:
                # Whatever it is: what is known goes on counting, and what is new is read later.
                logger.warning("%s cannot be read: %r; trying again", SENDERS.name, error)
                await asyncio.sleep(_AGAIN_S)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            **client_options(self._kafka), isolation_level="read_committed", enable_auto_commit=False
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(SENDERS.name, number) for number in range(self._kafka.partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            while True:
                # By position: the last record of a transaction is followed by a marker that nobody is given.
                if not self._whole.is_set() and all([await consumer.position(one) >= ends[one] for one in partitions]):
                    self._whole.set()
                for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                    self._take(records)
        finally:
            await consumer.stop()

    def _take(self, records: list[ConsumerRecord]) -> None:
        for record in records:
            self.take(record.key or b"", record.value)
