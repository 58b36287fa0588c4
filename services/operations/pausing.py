"""Pauses on the log: one statement on each partition, in one transaction, so that all workers know the same."""

import asyncio
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from services.contract import codec
from services.contract.outbound import ACCEPTED
from services.contract.partition import key_on
from services.domain.identity import raw_event_id
from services.domain.outbox.pauses import EVERYTHING, PauseEnded, PausePlaced, Said, of_label, of_sender, of_tenant
from services.operations.log import LogError
from services.operations.whose import tenant_of
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.kafka import durable_producer, let_go, told_once, trouble
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.opening import tenants_of

# A fence: of two shells at once the later one counts, and the log has one order of them.
_ID = "switchboard-pauses"
_TRANSACTION_TIMEOUT_MS = 10_000


class Scope(NamedTuple):
    """What a pause holds: of which tenant, empty for all of them, and its name."""

    tenant: str
    name: str


def everything() -> Scope:
    return Scope("", EVERYTHING)


def scope_of(settings: Settings, tenant: str | None, sender: str | None, label: str | None) -> Scope:
    """A tenant, one of its senders, or one of its labels. Raises Unclear."""
    name = tenant_of(tenants_of(settings), tenant)
    if sender:
        return Scope(name, of_sender(name, sender.strip()))
    return Scope(name, of_label(name, label) if label else of_tenant(name))


async def say(
    kafka: KafkaSettings, type_: type[PausePlaced] | type[PauseEnded], scope: Scope, by: str, note: str | None
) -> None:
    """Place a pause, or end the one of this very scope. Raises LogError: then nothing has changed."""
    try:
        await write(kafka, statements(type_, scope, kafka.partitions, by, note))
    except KafkaError as error:
        raise LogError(
            f"Kafka at {kafka.bootstrap} did not take it ({trouble(error)}): nothing has changed; see to it, and say "
            "it again"
        ) from error


def statements(
    type_: type[PausePlaced] | type[PauseEnded], scope: Scope, partitions: int, by: str, note: str | None
) -> list[Said]:
    """What is to be written: one on each partition."""
    at, (tenant, name) = now(), scope
    made: list[Said] = []
    for number in range(partitions):
        key = key_on(number, partitions)
        content = (name, at, by, note or "", key)
        event_id = raw_event_id(type_.__name__, tenant, [part.encode() for part in content])
        made.append(type_(event_id=event_id, key=key, tenant=tenant, scope=name, at=at, by=by, note=note))
    return made


async def write(kafka: KafkaSettings, said: list[Said]) -> None:
    """All of it in one transaction, or nothing. Raises KafkaError."""
    producer: AIOKafkaProducer = durable_producer(
        kafka, transactional_id=_ID, transaction_timeout_ms=_TRANSACTION_TIMEOUT_MS
    )
    try:
        async with asyncio.timeout(_TRANSACTION_TIMEOUT_MS / 1000):
            await producer.start()
            async with producer.transaction():
                told_once(producer)
                sent = [
                    await producer.send(
                        ACCEPTED.name,
                        codec.encode(one),
                        key=one.key.encode(),
                        partition=number,
                        headers=codec.headers(ACCEPTED.name),
                    )
                    for number, one in enumerate(said)
                ]
                await asyncio.gather(*sent)
    except (ProducerFenced, InvalidProducerEpoch) as error:
        raise KafkaError("another shell said something at the same moment") from error
    except (OSError, TimeoutError) as error:
        raise KafkaError(str(error) or "no answer") from error
    finally:
        await let_go(producer)
