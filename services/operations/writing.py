"""Facts to the log, acknowledged by all in-sync replicas."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.operations.log import LogError
from services.runtime.kafka import durable_producer, let_go, trouble
from services.runtime.sections.kafka import KafkaSettings

_DEADLINE_S = 30.0


class Outgoing(NamedTuple):
    """A record to write, and where. No value: a tombstone."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class FactWriter:
    """Writes while it is open. Raises LogError, a sentence, when Kafka does not take the facts.

    What was written stays: a fact is the same fact next time.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._bootstrap = kafka.bootstrap
        self._producer: AIOKafkaProducer = durable_producer(kafka)

    async def __aenter__(self) -> Self:
        try:
            with self._taking():
                await self._producer.start()
        except BaseException:
            await let_go(self._producer)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await let_go(self._producer)

    async def write(self, records: Iterable[Outgoing], acknowledged: Callable[[], None]) -> None:
        """All of them, in order; `acknowledged` is called for each that the log has, also after a cancellation."""
        with self._taking():
            async with asyncio.timeout(_DEADLINE_S):
                sent = [await self._send(record, acknowledged) for record in records]
                if sent:
                    await asyncio.wait(sent)
            for one in sent:
                one.result()

    async def _send(self, record: Outgoing, acknowledged: Callable[[], None]) -> asyncio.Future[object]:
        sent: asyncio.Future[object] = await self._producer.send(
            record.topic, record.value, key=record.key, partition=record.partition, headers=record.headers
        )
        sent.add_done_callback(lambda done: None if done.cancelled() or done.exception() else acknowledged())
        return sent

    @contextmanager
    def _taking(self) -> Iterator[None]:
        try:
            yield
        except (KafkaError, OSError, TimeoutError) as error:
            raise LogError(
                f"Kafka at {self._bootstrap} does not take the facts ({trouble(error)}); see to it, and run it "
                "again: a fact that is written twice is the same fact"
            ) from error
