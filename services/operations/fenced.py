"""Records that are written all or not at all, by who took a fence: whoever takes it later shuts the earlier one out.

So of two who read the same list one after the other, the one who read it first can't write over what the other wrote:
the fence is taken before anything is read.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aiokafka.errors import IllegalOperation, KafkaError

from services.operations.fence import SHUT_OUT, Fence
from services.operations.log import LogError
from services.operations.writing import Outgoing
from services.runtime.failpoints import reach
from services.runtime.kafka import trouble, why_ended
from services.runtime.sections.kafka import KafkaSettings

# It is also what thousands of records may take.
_TRANSACTION_TIMEOUT_MS = 15_000


class Overtaken(Exception):
    """Somebody took the fence since; nothing was written."""


class Fenced:
    """Holds the fence called `name` while it is open, until somebody else takes it.

    Whoever held it before has written all, or nothing, by the time that this is open. Raises LogError, a sentence,
    where Kafka does not do as asked.
    """

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self._bootstrap = kafka.bootstrap
        self._fence = Fence(kafka, name, _TRANSACTION_TIMEOUT_MS)

    async def __aenter__(self) -> Self:
        try:
            await self._fence.__aenter__()
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._refused(error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._fence.__aexit__(kind, error, trace)

    async def write(self, records: Sequence[Outgoing]) -> None:
        """All of them in one transaction. When it raises, or is cancelled, none of them stands. Raises Overtaken."""
        if not records:
            return
        try:
            async with self._fence.transaction():
                sent = [await self._send(one) for one in records]
                await asyncio.gather(*sent)
                reach("sync.written")
            reach("sync.committed")
        except SHUT_OUT as error:
            raise Overtaken from error
        except IllegalOperation as error:
            # Between two records: that the fence was taken, says the transaction alone.
            if isinstance(why_ended(self._fence.producer), SHUT_OUT):
                raise Overtaken from error
            raise self._refused(error) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._refused(error) from error

    async def _send(self, record: Outgoing) -> "asyncio.Future[object]":
        sent = await self._fence.send(
            record.topic, record.value, key=record.key, partition=record.partition, headers=record.headers
        )
        reach("sync.sent")
        return sent

    def _refused(self, error: BaseException) -> LogError:
        return LogError(
            f"Kafka at {self._bootstrap} does not take the facts ({trouble(error)}); see to it, and run it again: "
            "nothing of this list was written"
        )
