"""Telling of each look at what is unmasked, before it is shown."""

import asyncio
import re
from collections.abc import Iterable

from aiohttp import web
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.contract import codec
from services.contract.audit import AUDIT
from services.domain.audit import Asker, looked
from services.processor.access import Grant
from services.runtime.clock import now
from services.runtime.kafka import durable_producer, let_go
from services.runtime.masking import unsteered
from services.runtime.sections.kafka import KafkaSettings

_DEADLINE_S = 5.0
_LONGEST_WHY = 200
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Audit:
    """Writes to `twilio.audit.v1`. Its producer is started by the first look."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def looked(self, request: web.Request, grant: Grant, tenants: Iterable[str]) -> bool:
        """Whether it is on the log that rows of these tenants are shown: else they must not be."""
        why = unsteered(request.headers.get("X-Reason", ""))[:_LONGEST_WHY] or None
        trace = request.headers.get("traceparent", "")
        asker = Asker(grant.name, why, trace if _TRACEPARENT.fullmatch(trace) else None)
        facts = [looked(tenant, now(), asker, request.path.removeprefix("/v1/")) for tenant in tenants]
        try:
            async with asyncio.timeout(_DEADLINE_S):
                producer = await self._started()
                for fact in facts:
                    await producer.send_and_wait(
                        AUDIT.name, codec.encode(fact), key=AUDIT.key(fact).encode(), headers=codec.headers(AUDIT.name)
                    )
        except (KafkaError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        if self._producer is not None:
            await let_go(self._producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = durable_producer(self._kafka)
                try:
                    await producer.start()
                except BaseException:
                    await let_go(producer)
                    raise
                self._producer = producer
            return self._producer
