"""Transactions of a person's commands, or of whatever writes beside the folds, under a name that is a fence.

Whoever opens a fence of the same name later shuts the earlier one out, and what that had under way is ended first.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from services.runtime.kafka import durable_producer, heard, let_go, told_once
from services.runtime.sections.kafka import KafkaSettings

# What says that somebody else has taken the fence since.
SHUT_OUT = (ProducerFenced, InvalidProducerEpoch)
_CLOSE_S = 5.0


class Fence:
    """Held while it is open, until somebody else takes it. `timeout_ms`: of opening it, and of each transaction; so
    long readers of committed records wait for one who was killed in the middle, and after whom nobody came.

    Raises what Kafka's client raises (KafkaError, OSError, TimeoutError), and SHUT_OUT.
    """

    def __init__(self, kafka: KafkaSettings, name: str, timeout_ms: int) -> None:
        self._timeout_s = timeout_ms / 1000
        self.producer: AIOKafkaProducer = durable_producer(
            kafka, transactional_id=name, transaction_timeout_ms=timeout_ms
        )

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self.producer.start()
        except BaseException:
            await let_go(self.producer)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await let_go(self.producer)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """What is sent within stands once it is left. When that raises, or is cancelled, none of it does."""
        async with asyncio.timeout(self._timeout_s):
            transaction = self.producer.transaction()
            await transaction.__aenter__()
            told_once(self.producer)
            try:
                yield
            except BaseException as error:
                # Readers wait until it is aborted; but who is stopped does not wait for a broker for ever.
                with suppress(KafkaError, TimeoutError):
                    async with asyncio.timeout(_CLOSE_S):
                        await transaction.__aexit__(type(error), error, error.__traceback__)
                raise
            await transaction.__aexit__(None, None, None)

    async def send(self, topic: str, value: bytes | None, **record: Any) -> "asyncio.Future[object]":
        """Within a transaction; to be awaited there. `record`: key, partition, headers."""
        sent: asyncio.Future[object] = await self.producer.send(topic, value, **record)
        # Of records that fail together one tells why.
        sent.add_done_callback(heard)
        return sent
