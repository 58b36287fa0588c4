"""One transaction per flush: derived events and changelog rows stand together or not at all.

A ledger belongs to one partition of one fold. Its transactional id is a fence: taking it (`open`) aborts what a
former owner left open and shuts that owner out, also one that was frozen and wakes up later.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaConnectionError
from aiokafka.producer import sender as transactions

from services.contract.partition import partition_of
from services.runtime.failpoints import reach
from services.runtime.folding.fold import Emission
from services.runtime.kafka import durable_producer, heard, told_once, why_ended
from services.runtime.sections.kafka import KafkaSettings

# How long readers of committed records wait for a worker that died in the middle of a flush and has no successor.
_TRANSACTION_TIMEOUT_MS = 20_000
# A broker that is away must not keep a process from ending.
_CLOSE_S = 3.0

# A transaction that follows another at once meets its end being written, and aiokafka then sleeps 20 ms: most of what a
# small flush takes. A broker on the same network is done in a few.
transactions.BACKOFF_OVERRIDE = 0.003


def fence_of(app: str, fold: str, partition: int) -> str:
    """The transactional id that guards a partition of a fold."""
    return f"{app}-{fold}-{partition}"


class Ledger:
    """Writes for one partition, fenced. Errors of the broker come out of `write`; the process is to stop then."""

    def __init__(self, kafka: KafkaSettings, transactional_id: str) -> None:
        self.transactional_id = transactional_id
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Take the fence. Must be done before the changelog is read: afterwards nobody else adds to it."""
        self._producer = durable_producer(
            self._kafka,
            transactional_id=self.transactional_id,
            transaction_timeout_ms=_TRANSACTION_TIMEOUT_MS,
        )
        await self._producer.start()

    async def close(self) -> None:
        if self._producer is not None:
            producer, self._producer = self._producer, None
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await producer.stop()

    async def write(
        self, emissions: Iterable[Emission], partition: int, rows: Mapping[str, Sequence[Emission]]
    ) -> dict[str, int]:
        """Commit emissions, and rows by changelog at `partition`. Returns the offset of each changelog's last row.

        Raises aiokafka.errors.ProducerFenced when another worker took this partition, KafkaConnectionError when
        the broker does not answer: aiokafka itself would wait for ever.
        """
        producer = self._producer
        if producer is None:
            raise RuntimeError(f"the ledger {self.transactional_id} is closed")
        try:
            async with asyncio.timeout(_TRANSACTION_TIMEOUT_MS / 1000):
                return await self._transact(producer, emissions, partition, rows)
        except TimeoutError as error:
            raise KafkaConnectionError(
                "no answer to a transaction; nothing is lost, what it held is folded again"
            ) from error
        except IllegalOperation as error:
            # Between two batches: that the fence was taken, or else, says the transaction alone.
            ended = why_ended(producer)
            if ended is None:
                raise
            raise ended from error

    async def _transact(
        self,
        producer: AIOKafkaProducer,
        emissions: Iterable[Emission],
        partition: int,
        rows: Mapping[str, Sequence[Emission]],
    ) -> dict[str, int]:
        await producer.begin_transaction()
        told_once(producer)
        reach("flush.begun")
        batches = await self._by_partition(producer, emissions)
        for changelog, changed in rows.items():
            batches[changelog, partition] = list(changed)
        sent = []
        for (topic, at), records in batches.items():
            batched = await self._send(producer, topic, at, records)
            for acknowledged, _ in batched:
                # Should the next find no transaction any more, nobody asks these.
                acknowledged.add_done_callback(heard)
            sent += batched
        reach("flush.sent")
        acks = await asyncio.gather(*(acknowledged for acknowledged, _ in sent))
        reach("flush.acknowledged")
        await producer.commit_transaction()
        reach("flush.committed")
        # In the order sent, so that of several batches the last one stays.
        ends = {ack.topic: ack.offset + count - 1 for ack, (_, count) in zip(acks, sent, strict=True)}
        return {changelog: ends[changelog] for changelog in rows}

    async def _by_partition(
        self, producer: AIOKafkaProducer, emissions: Iterable[Emission]
    ) -> dict[tuple[str, int], list[Emission]]:
        batches: dict[tuple[str, int], list[Emission]] = defaultdict(list)
        counts: dict[str, int] = {}
        for emission in emissions:
            count = counts.get(emission.topic)
            if count is None:
                count = counts[emission.topic] = len(await producer.partitions_for(emission.topic))
            batches[emission.topic, partition_of(emission.key, count)].append(emission)
        return batches

    @staticmethod
    async def _send(
        producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Emission]
    ) -> list[tuple["asyncio.Future[Any]", int]]:
        """Send as few record batches as they fit in: the future metadata of each, and how many records it holds."""
        sent = []
        batch = producer.create_batch()
        for record in records:
            fields = {"key": record.key, "value": record.value, "timestamp": None, "headers": record.headers}
            if batch.append(**fields) is None:
                sent.append((await producer.send_batch(batch, topic, partition=partition), batch.record_count()))
                batch = producer.create_batch()
                batch.append(**fields)
        sent.append((await producer.send_batch(batch, topic, partition=partition), batch.record_count()))
        return sent
