"""Records that are written all or not at all, by who took a fence: whoever takes it later shuts the earlier one out.

So of two who read the same list one after the other, the one who read it first can't write over what the other wrote:
the fence is taken before anything is read.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, KafkaError, ProducerFenced

from services.operations.log import LogError
from services.operations.writing import Outgoing
from services.runtime.failpoints import reach
from services.runtime.kafka import durable_producer, heard, let_go, told_once, trouble, why_ended
from services.runtime.sections.kafka import KafkaSettings

# How long readers of committed records wait for what somebody left open who was killed in the middle, and after whom
# nobody came. It is also what thousands of records may take.
_TRANSACTION_TIMEOUT_MS = 15_000
_CLOSE_S = 5.0
_SHUT_OUT = (ProducerFenced, InvalidProducerEpoch)


class Overtaken(Exception):
    """Somebody took the fence since; nothing was written."""


class Fenced:
    """Holds the fence called `name` while it is open, until somebody else takes it.

    Whoever held it before has written all, or nothing, by the time that this is open. Raises LogError, a sentence,
    where Kafka does not do as asked.
    """

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self._bootstrap = kafka.bootstrap
        self._producer: AIOKafkaProducer = durable_producer(
            kafka, transactional_id=name, transaction_timeout_ms=_TRANSACTION_TIMEOUT_MS
        )

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(_TRANSACTION_TIMEOUT_MS / 1000):
                await self._producer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await let_go(self._producer)
            raise self._refused(error) from error
        except BaseException:
            await let_go(self._producer)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await let_go(self._producer)

    async def write(self, records: Sequence[Outgoing]) -> None:
        """All of them in one transaction. When it raises, or is cancelled, none of them stands. Raises Overtaken."""
        if not records:
            return
        try:
            async with asyncio.timeout(_TRANSACTION_TIMEOUT_MS / 1000):
                await self._transact(records)
        except _SHUT_OUT as error:
            raise Overtaken from error
        except IllegalOperation as error:
            # Between two records: that the fence was taken, says the transaction alone.
            if isinstance(why_ended(self._producer), _SHUT_OUT):
                raise Overtaken from error
            raise self._refused(error) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._refused(error) from error

    async def _transact(self, records: Sequence[Outgoing]) -> None:
        transaction = self._producer.transaction()
        await transaction.__aenter__()
        told_once(self._producer)
        try:
            sent = [await self._send(one) for one in records]
            await asyncio.gather(*sent)
            reach("sync.written")
        except BaseException as error:
            # Readers wait until it is aborted; but who is stopped does not wait for a broker for ever.
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await transaction.__aexit__(type(error), error, error.__traceback__)
            raise
        await transaction.__aexit__(None, None, None)
        reach("sync.committed")

    async def _send(self, record: Outgoing) -> "asyncio.Future[object]":
        sent: asyncio.Future[object] = await self._producer.send(
            record.topic, record.value, key=record.key, partition=record.partition, headers=record.headers
        )
        # Of records that fail together one tells why.
        sent.add_done_callback(heard)
        reach("sync.sent")
        return sent

    def _refused(self, error: BaseException) -> LogError:
        return LogError(
            f"Kafka at {self._bootstrap} does not take the facts ({trouble(error)}); see to it, and run it again: "
            "nothing of this list was written"
        )
