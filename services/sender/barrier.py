"""Has the sender read everything that stood on the log when it asks? Before that, the gate may not decide.

A STOP is acknowledged to Twilio once it is on the log. Asking the broker for the ends of a contact's topics, and
folding up to them, makes sure that it is seen by every command that is judged later, whatever the lag was.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime.folding.partition import Partition
from services.runtime.kafka import client_options
from services.runtime.sections.kafka import KafkaSettings

logger = logging.getLogger(__name__)

_AGAIN_S = 0.5


class Barrier:
    """Asks for the ends of `topics`, for all that wait at once."""

    def __init__(self, kafka: KafkaSettings, topics: Sequence[str]) -> None:
        self._kafka = kafka
        self._topics = topics
        self._consumer: AIOKafkaConsumer | None = None
        # Who asks while a question is under way waits for the next one: the answer may be older than their asking.
        self._next: asyncio.Future[Mapping[TopicPartition, int]] | None = None
        self._asked = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        # Records that are acknowledged and not committed count too: it reads uncommitted ends, which lie further.
        self._consumer = AIOKafkaConsumer(**client_options(self._kafka), enable_auto_commit=False)
        await self._consumer.start()
        self._asking = asyncio.create_task(self._ask())

    async def stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        if self._next is not None:
            self._next.cancel()
        if self._consumer is not None:
            await self._consumer.stop()

    async def passed(self, partition: Partition) -> dict[str, int]:
        """Wait until the partition has folded all that its topics hold now; topic → that end.

        CancelledError: the partition was lost first.
        """
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            self._asked.set()
        found = await asyncio.shield(self._next)
        ends = {topic: found[TopicPartition(topic, partition.partition)] for topic in self._topics}
        await partition.progress.reach(ends)
        return ends

    async def _ask(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            answer, self._next = self._next, None
            try:
                ends = await self._ends()
            except asyncio.CancelledError:
                if answer is not None:
                    answer.cancel()
                raise
            if answer is not None and not answer.done():
                answer.set_result(ends)

    async def _ends(self) -> Mapping[TopicPartition, int]:
        partitions = [
            TopicPartition(topic, number) for topic in self._topics for number in range(self._kafka.partitions)
        ]
        while self._consumer is not None:
            try:
                ends: Mapping[TopicPartition, int] = await self._consumer.end_offsets(partitions)
                return ends
            except Exception as error:
                # Whatever it is: nothing may be sent meanwhile, and nobody may wait for a task that is gone.
                logger.warning("the ends of the topics are not known: %r; asking again", error)
                await asyncio.sleep(_AGAIN_S)
        raise asyncio.CancelledError
