"""Topics that are small enough for memory: each is read whole at the start, and all are followed."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.runtime.kafka import client_options, trouble
from services.runtime.patience import wait_by
from services.runtime.sections.kafka import KafkaSettings

logger = logging.getLogger(__name__)

# A record comes at once all the same.
_PATIENT_MS = 5000
# What ends a topic may be a mark that nobody is given: then it is looked whether that has passed.
_LOOK_MS = 100
_AGAIN_S = 1.0


class Following:
    """Hands each committed record to `take`. At the start the topics are read one after the other, as they are given.

    After trouble it goes on from where it was, so that no record is taken twice. Each outage is logged once.
    """

    def __init__(self, kafka: KafkaSettings, topics: Sequence[str], take: Callable[[ConsumerRecord], None]) -> None:
        self._kafka = kafka
        self._topics = topics
        self._take = take
        # The next offset of each partition.
        self._places: dict[TopicPartition, int] = {}
        self._whole = asyncio.Event()
        # The trouble that is logged already, until it reads again.
        self._told = ""
        self._running: asyncio.Task[None] | None = None

    @property
    def whole(self) -> bool:
        """Whether all is read that was there at the start."""
        return self._whole.is_set()

    async def read(self) -> None:
        """Wait until all is read that was there at the start."""
        await self._whole.wait()

    async def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except Exception as error:
                # Whatever it is: what is known goes on counting, and what is new is read later.
                if (why := trouble(error)) != self._told:
                    logger.warning("%s cannot be read: %s; trying again", ", ".join(self._topics), why)
                self._told = why
                await asyncio.sleep(_AGAIN_S)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            **client_options(self._kafka),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        # While it reads the topics whole, it asks for ends, and reads the next one.
        wait_by(consumer._fetcher, _PATIENT_MS, lambda: not self.whole)
        try:
            for topic in self._topics if not self.whole else ():
                await self._to_the_end(consumer, topic)
            self._whole.set()
            await self._assign(consumer, self._topics)
            while True:
                await self._some(consumer, _PATIENT_MS)
        finally:
            await consumer.stop()

    async def _to_the_end(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        partitions = await self._assign(consumer, [topic])
        ends = await consumer.end_offsets(partitions)
        # By position: the last record of a transaction is followed by a marker that nobody is given.
        while not all([await consumer.position(one) >= ends[one] for one in partitions]):
            await self._some(consumer, _LOOK_MS)

    async def _assign(self, consumer: AIOKafkaConsumer, topics: Sequence[str]) -> list[TopicPartition]:
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(self._kafka.partitions)]
        consumer.assign(partitions)
        for one in partitions:
            consumer.seek(one, self._places.get(one, 0))
        return partitions

    async def _some(self, consumer: AIOKafkaConsumer, within_ms: int) -> None:
        for partition, records in (await consumer.getmany(timeout_ms=within_ms)).items():
            for record in records:
                self._take(record)
                self._places[partition] = record.offset + 1
        self._told = ""
