"""`switchboard pause`, `switchboard resume`: nothing of a scope is sent until it is resumed; nothing is lost either."""

import asyncio
import getpass
from contextlib import suppress
from typing import Annotated

import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from rich.console import Console

from services.cli.plain import plain
from services.cli.refused import Refused
from services.contract import codec
from services.contract.partition import key_on
from services.contract.topics import ACCEPTED
from services.domain.identity import raw_event_id
from services.domain.messages.pauses import EVERYTHING, PauseEnded, PausePlaced, Said, of_label, of_sender, of_tenant
from services.runtime.clock import now
from services.runtime.config import KafkaSettings, Settings, load
from services.runtime.kafka import durable_producer, told_once, trouble
from services.runtime.section import ConfigError
from services.runtime.tenants.opening import tenants_of

# A fence: of two shells at once the later one counts, and the log has one order of them.
_ID = "switchboard-pauses"
_TRANSACTION_TIMEOUT_MS = 10_000
_CLOSE_S = 5.0

Tenant = Annotated[str | None, typer.Option(help="All of a tenant; or whose --sender or --label.")]
Sender = Annotated[str | None, typer.Option(help="One sender, as commands name it: +1415…, whatsapp:+1415…, MG….")]
Label = Annotated[str | None, typer.Option(help="The commands of one label.")]
Everything = Annotated[bool, typer.Option("--everything", help="All tenants.")]
By = Annotated[str | None, typer.Option(help="Who says so; default: you.")]
Note = Annotated[str | None, typer.Option(help="Why.")]


def pause(
    tenant: Tenant = None,
    sender: Sender = None,
    label: Label = None,
    everything: Everything = False,
    by: By = None,
    note: Note = None,
) -> None:
    """Send nothing of a tenant, a sender or a label, or nothing at all, until it is resumed; within a second."""
    _say(PausePlaced, _scope(load(), tenant, sender, label, everything), by, note)


def resume(
    tenant: Tenant = None,
    sender: Sender = None,
    label: Label = None,
    everything: Everything = False,
    by: By = None,
    note: Note = None,
) -> None:
    """End the pause of this very scope; what it held goes on in order."""
    _say(PauseEnded, _scope(load(), tenant, sender, label, everything), by, note)


def _scope(
    settings: Settings, tenant: str | None, sender: str | None, label: str | None, everything: bool
) -> tuple[str, str]:
    """Whose, and what. Raises Refused."""
    if everything:
        if tenant or sender or label:
            raise Refused("--everything stands alone")
        return "", EVERYTHING
    if not (tenant or sender or label) or (sender and label):
        raise Refused("give one of --tenant, --sender, --label or --everything")
    names = list(tenants_of(settings))
    if tenant is None and len(names) == 1:
        [tenant] = names
    if tenant not in names:
        raise Refused(f"--tenant: one of {', '.join(names) or 'those that are configured, and none is'}")
    if sender:
        return tenant, of_sender(tenant, sender.strip())
    return tenant, of_label(tenant, label) if label else of_tenant(tenant)


def _say(type_: type[PausePlaced] | type[PauseEnded], scope: tuple[str, str], by: str | None, note: str | None) -> None:
    settings, who = load(), by or getpass.getuser()
    said = statements(type_, scope, settings.kafka.partitions, who, note)
    try:
        asyncio.run(write(settings.kafka, said))
    except KafkaError as error:
        raise ConfigError(
            f"Kafka at {settings.kafka.bootstrap} did not take it ({trouble(error)}): nothing has changed; see "
            "to it, and say it again"
        ) from error
    word = "Paused" if type_ is PausePlaced else "Resumed"
    Console().print(plain(f"{word}: {scope[1]}. See it by: switchboard why COMMAND, or the sender's /readyz."))


def statements(
    type_: type[PausePlaced] | type[PauseEnded], scope: tuple[str, str], partitions: int, by: str, note: str | None
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
        with suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(_CLOSE_S):
                await producer.stop()
