"""Record batches to Kafka, with the one question answered that matters here: is it there or not?

aiokafka's idempotent producer never gives a batch up: past our deadline it may still land. Such batches are
remembered, so that what landed late is not written twice.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from services.contract.partition import partition_once
from services.ingress.segments import Fact
from services.runtime.kafka import durable_producer, let_go, trouble
from services.runtime.sections.kafka import KafkaSettings

_log = logging.getLogger(__name__)

_ASKED_AGAIN_S = (0.2, 0.4, 0.8)
_CONNECT_S = 15.0
_CLOSE_S = 2.0


class NotAcknowledgedError(Exception):
    """Kafka has not said that it has the facts. It may have them, or get them yet."""


class RefusedError(NotAcknowledgedError):
    """Kafka will never take these facts in one batch: too large."""

    def __init__(self, error: BaseException, facts: Sequence[Fact]) -> None:
        super().__init__(str(error))
        self.facts = facts


# A topic, a partition of it, and what goes there.
Queue = tuple[str, int, Sequence[Fact]]
# What waits for each topic and partition.
_T = TypeVar("_T")
Queues = dict[tuple[str, int], list[_T]]
_Flight = tuple[asyncio.Future[object], Sequence[Fact]]


class Producer:
    """Sends batches. Once `broken` it is of no more use: a batch that failed leaves a gap in the sequence."""

    def __init__(self, client: AIOKafkaProducer, partitions: dict[str, list[int]]) -> None:
        self._client = client
        self._partitions = partitions
        self._unanswered: list[_Flight] = []
        self.broken = False

    def partition(self, topic: str, key: bytes) -> int:
        """Where any Kafka client puts this key (murmur2)."""
        partitions = self._partitions[topic]
        return partitions[partition_once(key, len(partitions))]

    async def send(self, queues: Sequence[Queue], deadline: float) -> list[int]:
        """Write one record batch for each queue; returns how many facts of each all in-sync replicas have.

        A batch takes as much as fits, at least one. `deadline` is in the event loop's time. Raises
        NotAcknowledgedError; what landed all the same is told by `settle`.
        """
        flights: list[_Flight] = []
        try:
            async with asyncio.timeout_at(deadline):
                for queue in queues:
                    flights.append(await self._submit(queue))
                await asyncio.wait([sent for sent, _ in flights])
            for sent, facts in flights:
                if error := sent.exception():
                    raise self._failure(error, facts) from error
        except TimeoutError as error:
            self._unanswered += flights
            raise NotAcknowledgedError("Kafka did not answer in time") from error
        except (NotAcknowledgedError, asyncio.CancelledError):
            self._unanswered += flights
            raise
        return [len(facts) for _, facts in flights]

    async def _submit(self, queue: Queue) -> _Flight:
        topic, partition, facts = queue
        batch = self._client.create_batch()
        count = 0
        for _, key, value, headers in facts:
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                break
            count += 1
        batch.close()
        try:
            return await self._client.send_batch(batch, topic, partition=partition), facts[:count]
        except KafkaError as error:
            raise self._failure(error, facts[:count]) from error

    async def settle(self, timeout_s: float) -> Counter[bytes]:
        """Wait for answers that are late; returns the values of facts that landed, with their number."""
        if self._unanswered:
            await asyncio.wait({sent for sent, _ in self._unanswered}, timeout=timeout_s)
        landed: Counter[bytes] = Counter()
        for sent, facts in self._unanswered:
            if not sent.done() or sent.exception() is not None:
                self.broken = True
            else:
                landed.update(fact.value for fact in facts)
        self._unanswered.clear()
        return landed

    async def close(self) -> None:
        """Let go of the connections, also when the broker is away and a flush would wait for ever."""
        await let_go(self._client, _CLOSE_S)

    def _failure(self, error: BaseException, facts: Sequence[Fact]) -> NotAcknowledgedError:
        self.broken = True
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            return RefusedError(error, facts)
        return NotAcknowledgedError(str(error) or type(error).__name__)


async def connect(kafka: KafkaSettings, topics: Sequence[str]) -> Producer:
    """A producer for these topics, which must exist. Raises NotAcknowledgedError with what is wrong."""
    client = durable_producer(kafka)
    producer = Producer(client, {})
    try:
        async with asyncio.timeout(_CONNECT_S):
            await client.start()
            partitions = await _partitions(client, topics)
    except (KafkaError, OSError, TimeoutError) as error:
        await producer.close()
        raise NotAcknowledgedError(f"cannot connect to Kafka: {trouble(error)}") from error
    if missing := [topic for topic, found in partitions.items() if not found]:
        await producer.close()
        raise NotAcknowledgedError(f"no topic {', '.join(missing)}; run `switchboard topics apply`")
    return Producer(client, partitions)


async def _partitions(client: AIOKafkaProducer, topics: Sequence[str]) -> dict[str, list[int]]:
    """Of each topic those that the broker names. One that has just started may know less than there is: it is asked
    again before a topic is taken for absent."""
    for wait_s in (*_ASKED_AGAIN_S, None):
        # Asking for a topic by name would create it where the broker permits that, with its defaults.
        cluster = await client.client.fetch_all_metadata()
        found = {topic: sorted(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        if wait_s is None or all(found.values()):
            break
        await asyncio.sleep(wait_s)
    return found
