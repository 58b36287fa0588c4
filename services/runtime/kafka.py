"""Kafka clients from the settings: one place where SASL and durability are decided."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.consumer import fetcher
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
)
from aiokafka.producer import message_accumulator

from services.runtime import stopping
from services.runtime.batches import Batches
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tls import ssl_context

# aiokafka's default of 16 KiB made its producer 8 times slower at 1,000 records in flight.
MAX_BATCH_BYTES = 512 * 1024
# Room for a batch whose headers and keys outweigh its values; brokers take 1 MiB by default.
MAX_REQUEST_BYTES = 1024 * 1024

# For every consumer of the process; aiokafka has no setting for how batches are read.
fetcher.MemoryRecords = Batches
stopping.install()


class _Batch(message_accumulator.MessageBatch):  # type: ignore[misc] # aiokafka has no types
    """A batch to send that tells its failure once: by the future of its sender."""

    def failure(self, exception: BaseException) -> None:
        super().failure(exception)
        # Else this one, which nobody asks, ends as a traceback in the log whenever the fence is taken.
        if self._drain_waiter.done():
            self._drain_waiter.exception()


message_accumulator.MessageBatch = _Batch


def trouble(error: BaseException) -> str:
    """What is wrong, in words for a person: aiokafka's own texts name its inner parts."""
    match error:
        case KafkaConnectionError() | NodeNotReadyError():
            return "no broker answers"
        case TimeoutError() | KafkaTimeoutError() | RequestTimedOutError():
            return "no answer in time"
        case AuthenticationFailedError() | SaslAuthenticationFailed():
            return "it does not know kafka.sasl_username, or not by this password"
        case OSError():
            return error.strerror or "the connection failed"
    # What is not permitted, and the like, are named as arguments.
    return " ".join((type(error).__name__.removesuffix("Error"), *map(str, error.args)))


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes: where the broker is and how to be let in."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": kafka.security_protocol,
        "ssl_context": ssl_context(kafka),
    }
    if kafka.security_protocol.startswith("SASL") and kafka.sasl_password is not None:
        options |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": kafka.sasl_password.get_secret_value(),
        }
    return options


def durable_producer(kafka: KafkaSettings, **more: Any) -> AIOKafkaProducer:
    """A producer whose acks mean: on all in-sync replicas, once, in order."""
    return AIOKafkaProducer(
        **client_options(kafka),
        acks="all",
        enable_idempotence=True,
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
        **more,
    )


async def let_go(producer: AIOKafkaProducer, within_s: float = 5.0) -> None:
    """Stop it: what is under way may land, but not for ever, for a broker that is away acknowledges nothing."""
    try:
        async with asyncio.timeout(within_s):
            await producer.stop()
    except (TimeoutError, KafkaError):
        # aiokafka has no abort: its sender task would go on for the life of the process.
        sender = producer._sender.sender_task
        if sender is not None:
            sender.cancel()
        await producer.client.close()


def told_once(producer: AIOKafkaProducer) -> None:
    """In a transaction: whose fence is taken hears it from what was sent, not from a traceback in the log besides.

    aiokafka keeps it in a future as well, which nobody asks by then.
    """
    ended = producer._txn_manager.wait_for_transaction_end()
    ended.add_done_callback(heard)


def heard(done: "asyncio.Future[Any]") -> None:
    """As a callback: why this ended is told elsewhere, and needs no traceback in the log besides."""
    if not done.cancelled():
        done.exception()


def why_ended(producer: AIOKafkaProducer) -> BaseException | None:
    """What ended a transaction before it was committed; None: nothing has.

    Between two batches aiokafka only says that there is none any more.
    """
    ended = producer._txn_manager.wait_for_transaction_end()
    return ended.exception() if ended.done() and not ended.cancelled() else None
