"""What the log holds of lists by tenant, each time up to the end that it has then; read once, and followed."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.contract.topic import Topic
from services.operations.log import log_consumer, look_up, read_between, readable
from services.runtime.kafka import client_options
from services.runtime.sections.kafka import KafkaSettings

_TOGETHER = 500


class Known:
    """Topics keyed `{tenant}|{name}`, in memory as they stand on the log: by tenant and name, bytes.

    It is opened by the first question. After trouble it is read anew. Every method raises LogError.
    """

    def __init__(self, kafka: KafkaSettings, topics: Sequence[Topic]) -> None:
        self._kafka = kafka
        self._topics = tuple(topic.name for topic in topics)
        self._reading = asyncio.Lock()
        self._opened: AsyncExitStack | None = None
        self._committed: AIOKafkaConsumer = None
        self._ends: AIOKafkaConsumer = None
        self._facts: dict[str, defaultdict[str, dict[str, bytes]]] = {}
        self._places: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def of(self, topic: Topic, tenant: str) -> Mapping[str, bytes]:
        """A tenant's, by name."""
        return dict((await self.all(topic)).get(tenant, {}))

    async def all(self, topic: Topic) -> Mapping[str, Mapping[str, bytes]]:
        """Of all tenants. What was acknowledged before this was called is in it."""
        async with self._reading:
            try:
                with readable(self._kafka):
                    await self._open()
                    await self._read(topic.name)
            except BaseException:
                await self._close()
                raise
            return self._facts[topic.name]

    async def _open(self) -> None:
        if self._opened is not None:
            return
        async with AsyncExitStack() as stack:
            self._committed = await _started(stack, log_consumer(self._kafka))
            # The end as it is written: what is not committed yet lies before it, and is waited for.
            self._ends = await _started(
                stack, AIOKafkaConsumer(**client_options(self._kafka), enable_auto_commit=False)
            )
            partitions = [TopicPartition(name, at) for name in self._topics for at in range(self._kafka.partitions)]
            for consumer in (self._committed, self._ends):
                look_up(consumer, partitions)
            self._places = dict(await self._committed.beginning_offsets(partitions))
            self._facts = {name: defaultdict(dict) for name in self._topics}
            self._opened = stack.pop_all()

    async def _read(self, topic: str) -> None:
        since = {one: offset for one, offset in self._places.items() if one.topic == topic}
        ends = await self._ends.end_offsets(list(since))
        if all(offset >= ends[one] for one, offset in since.items()):
            return
        facts = self._facts[topic]
        async for records in read_between(self._committed, since, ends, lambda _done, _total: None, _TOGETHER):
            for record in records:
                tenant, _, name = (record.key or b"").decode("utf-8", "replace").partition("|")
                facts[tenant].pop(name, None)
                if record.value is not None:
                    facts[tenant][name] = record.value
        self._places |= {one: max(offset, ends[one]) for one, offset in since.items()}

    async def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()


async def _started(stack: AsyncExitStack, consumer: AIOKafkaConsumer) -> AIOKafkaConsumer:
    stack.push_async_callback(consumer.stop)
    await consumer.start()
    return consumer
