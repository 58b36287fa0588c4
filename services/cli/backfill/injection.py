"""Facts to the log, as ingress writes them: keys, headers, partitions, and acknowledged by all in-sync replicas."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.cli.backfill.errors import BackfillError
from services.contract.codec import encode, headers
from services.contract.partition import partition_of
from services.contract.topics import topic_of
from services.runtime.config import KafkaSettings
from services.runtime.kafka import durable_producer

# Under way at once. Each is a round trip's worth of work, and what Ctrl-C waits for.
_FLIGHT = 1000
_DEADLINE_S = 30.0
_CLOSE_S = 5.0


async def inject(kafka: KafkaSettings, facts: Sequence[msgspec.Struct], acknowledged: Callable[[], None]) -> None:
    """Write the facts in order; `acknowledged` is called for each that the log has, also after a cancellation.

    Raises BackfillError when Kafka does not take them. What was written stays: a fact is the same fact next time.
    """
    producer = durable_producer(kafka)
    try:
        await producer.start()
        waiting = iter(facts)
        while flight := list(islice(waiting, _FLIGHT)):
            async with asyncio.timeout(_DEADLINE_S):
                sent = [await _send(producer, kafka.partitions, fact, acknowledged) for fact in flight]
                await asyncio.wait(sent)
            for one in sent:
                one.result()
    except (KafkaError, OSError, TimeoutError) as error:
        raise BackfillError(
            f"Kafka at {kafka.bootstrap} does not take the facts ({error or 'no answer'}); see to it, and run it "
            "again: it finds what is lacking then"
        ) from error
    finally:
        await _close(producer)


async def _send(
    producer: AIOKafkaProducer, partitions: int, fact: msgspec.Struct, acknowledged: Callable[[], None]
) -> asyncio.Future[object]:
    topic = topic_of(fact)
    key = topic.key(fact).encode()
    sent: asyncio.Future[object] = await producer.send(
        topic.name,
        encode(fact),
        key=key,
        partition=partition_of(key, partitions),
        headers=headers(topic.name),
    )
    sent.add_done_callback(lambda done: None if done.cancelled() or done.exception() else acknowledged())
    return sent


async def _close(producer: AIOKafkaProducer) -> None:
    """Let what is under way land, but not for ever: a broker that is away acknowledges nothing."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await producer.stop()
    except (TimeoutError, KafkaError):
        await producer.client.close()
