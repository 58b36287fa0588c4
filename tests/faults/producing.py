"""A customer's producer: what it says is acknowledged in the end, if need be by its next incarnation."""

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from services.runtime.kafka import client_options
from services.runtime.sections.kafka import KafkaSettings
from tests.faults.settings import LARGEST_RECORD

_AGAIN_S = 0.5
_CLOSE_S = 3.0
# Longer than any fault lasts.
_ANSWER_S = 20.0


class Producing:
    """Sends records, each until it is acknowledged. After an error a record may stand on the log twice."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def send(self, topic: str, key: bytes, value: bytes) -> None:
        while True:
            producer = await self._connected()
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await producer.send_and_wait(topic, value, key=key)
            except MessageSizeTooLargeError:
                raise
            except (KafkaError, TimeoutError):
                # An idempotent producer is of no more use once a batch of it has failed; and it never answers those
                # who still wait when it is closed.
                await self._drop(producer)
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def close(self) -> None:
        if self._producer is not None:
            await self._drop(self._producer)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._lock:
            while self._producer is None:
                producer = AIOKafkaProducer(
                    **client_options(self._kafka),
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=LARGEST_RECORD,
                    max_batch_size=LARGEST_RECORD,
                )
                try:
                    await producer.start()
                    self._producer = producer
                except KafkaError:
                    await producer.stop()
                    await asyncio.sleep(_AGAIN_S)
            return self._producer

    async def _drop(self, producer: AIOKafkaProducer) -> None:
        if producer is self._producer:
            self._producer = None
        try:
            async with asyncio.timeout(_CLOSE_S):
                await producer.stop()
        except (TimeoutError, KafkaError):
            # What it held was not acknowledged, and each of those who wait says it again.
            return
