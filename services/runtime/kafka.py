"""Kafka clients from the settings: one place where TLS, SASL and durability are decided."""

import ssl
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.consumer import fetcher
from aiokafka.helpers import create_ssl_context
from aiokafka.producer import message_accumulator

from services.runtime.batches import Batches
from services.runtime.config import ConfigError, KafkaSettings

# aiokafka's default of 16 KiB made its producer 8 times slower at 1,000 records in flight.
MAX_BATCH_BYTES = 512 * 1024
# Room for a batch whose headers and keys outweigh its values; brokers take 1 MiB by default.
MAX_REQUEST_BYTES = 1024 * 1024

# For every consumer of the process; aiokafka has no setting for how batches are read.
fetcher.MemoryRecords = Batches


class _Batch(message_accumulator.MessageBatch):  # type: ignore[misc] # aiokafka has no types
    """A batch to send that tells its failure once: by the future of its sender."""

    def failure(self, exception: BaseException) -> None:
        super().failure(exception)
        # Else this one, which nobody asks, ends as a traceback in the log whenever the fence is taken.
        if self._drain_waiter.done():
            self._drain_waiter.exception()


message_accumulator.MessageBatch = _Batch


def ssl_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """The TLS context, or None without TLS. Raises ConfigError for files that cannot be used."""
    if not kafka.security_protocol.endswith("SSL"):
        return None
    password = kafka.ssl_keyfile_password
    try:
        context: ssl.SSLContext = create_ssl_context(
            cafile=str(kafka.ssl_cafile) if kafka.ssl_cafile else None,
            certfile=str(kafka.ssl_certfile) if kafka.ssl_certfile else None,
            keyfile=str(kafka.ssl_keyfile) if kafka.ssl_keyfile else None,
            password=password.get_secret_value() if password else None,
        )
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"kafka: the TLS files cannot be used: {error}; check ssl_cafile, ssl_certfile, ssl_keyfile"
        ) from error
    return context


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


def told_once(producer: AIOKafkaProducer) -> None:
    """In a transaction: whose fence is taken hears it from what was sent, not from a traceback in the log besides.

    aiokafka keeps it in a future as well, which nobody asks by then.
    """
    ended = producer._txn_manager.wait_for_transaction_end()
    ended.add_done_callback(lambda done: done.cancelled() or done.exception())
