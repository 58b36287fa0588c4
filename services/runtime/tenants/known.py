"""Is each tenant still the one that the log knows? What stands there was keyed by its contact secret.

The first that was ever written of a tenant counts, on a topic that is kept for ever: so all services and all workers
agree, whatever disks they lose. Of a tenant that is new there, the one who asks first writes it down, and reads again
who was first.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from services.contract import codec
from services.contract.partition import partition_of
from services.contract.tenants import TENANTS
from services.domain.identity import raw_event_id
from services.domain.tenants import TenantKnown
from services.runtime.clock import now
from services.runtime.kafka import client_options, durable_producer, let_go, trouble
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.fingerprints import fingerprint, fits
from services.runtime.tenants.settings import TenantSettings

T = TypeVar("T")

# For each question to Kafka.
PATIENCE_S = 20.0
# Of that, what the first try gets: a client that came while the broker stood still, may go on waiting when it answers
# others again.
_FIRST_TRY = 0.25
_POLL_MS = 200

NOT_BY_THIS_KEY = (
    "{name}: contact_secret is not the one that this log knows the tenant by: under another, nobody who said no would "
    "be known. Put the former one back; until then nothing of {name} is taken or sent"
)
NOT_THIS_ACCOUNT = (
    "{name}: account_sid is not {was}, which this log knows the tenant by. Put it back, or add a tenant of another "
    "name; until then nothing of {name} is taken or sent"
)


class NotKnown(Exception):
    """The log cannot say now who a tenant is; the text says why."""


class KnownTenants:
    """What the log knows of tenants, asked over Kafka."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self.known: dict[str, TenantKnown] = {}

    async def refusals(
        self, tenants: Mapping[str, TenantSettings], note: bool = True, patience_s: float = PATIENCE_S
    ) -> dict[str, str]:
        """By name, why a tenant may not be used: a sentence with the remedy. `note`: write down those that are new.

        Raises NotKnown, also where Kafka leaves one of the up to three questions unanswered for `patience_s`.
        """
        try:
            await _twice(self._read, patience_s)
            if note and (fresh := {name: one for name, one in tenants.items() if name not in self.known}):
                made = await described(fresh)
                # Written twice, it says the same twice.
                await _twice(lambda: self._write(made), patience_s)
                # Another may have been first.
                await _twice(self._read, patience_s)
        except (KafkaError, OSError, TimeoutError) as error:
            raise NotKnown(f"Kafka cannot say which tenants it knows ({trouble(error)})") from error
        return await refused(self.known, tenants)

    async def _read(self) -> None:
        known: dict[str, TenantKnown] = {}
        async with _consumer(self._kafka) as consumer:
            # To ask for it by name could create it.
            cluster = await consumer._client.fetch_all_metadata()
            if not (numbers := cluster.partitions_for_topic(TENANTS.name)):
                raise NotKnown(f"no topic {TENANTS.name}; run `switchboard topics apply`")
            partitions = [TopicPartition(TENANTS.name, number) for number in numbers]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            while not all([await consumer.position(one) >= ends[one] for one in partitions]):
                for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                    for record in records:
                        one = codec.decode(record.value, TenantKnown)
                        known.setdefault(one.tenant, one)
        self.known = known

    async def _write(self, events: Sequence[TenantKnown]) -> None:
        producer = durable_producer(self._kafka)
        await producer.start()
        try:
            await asyncio.gather(*[await self._send(producer, event) for event in events])
        finally:
            await let_go(producer)

    async def _send(self, producer: AIOKafkaProducer, event: TenantKnown) -> "asyncio.Future[Any]":
        key = TENANTS.key(event).encode()
        partition = partition_of(key, len(await producer.partitions_for(TENANTS.name)))
        headers = codec.headers(TENANTS.name)
        sent: asyncio.Future[Any] = await producer.send(
            TENANTS.name, codec.encode(event), key, partition, headers=headers
        )
        return sent


async def _twice(question: Callable[[], Awaitable[None]], patience_s: float) -> None:
    """Ask, and after a while ask anew by a client of its own. Raises TimeoutError after `patience_s`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s * _FIRST_TRY):
            await question()
            return
    async with asyncio.timeout(patience_s * (1 - _FIRST_TRY)):
        await question()


async def described(tenants: Mapping[str, TenantSettings]) -> list[TenantKnown]:
    """What tells later whether these are the same."""
    made = await _in_threads(lambda name: fingerprint(_secret(tenants[name])), list(tenants))
    return [_known(name, one, made[name]) for name, one in tenants.items()]


async def refused(known: Mapping[str, TenantKnown], tenants: Mapping[str, TenantSettings]) -> dict[str, str]:
    """By name, why a tenant is not the one that is known. Of one that is not known nothing is said."""
    asked = [name for name in tenants if name in known]
    same = await _in_threads(lambda name: fits(_secret(tenants[name]), known[name].secret_fingerprint), asked)
    found = {}
    for name in asked:
        if (was := known[name].account_sid) != tenants[name].account_sid:
            found[name] = NOT_THIS_ACCOUNT.format(name=name, was=was)
        elif not same[name]:
            found[name] = NOT_BY_THIS_KEY.format(name=name)
    return found


async def _in_threads(work: Callable[[str], T], names: Sequence[str]) -> dict[str, T]:
    """`work` of each, on all cores: what it does lets go of Python's lock."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(os.cpu_count(), "fingerprints") as pool:
        done = await asyncio.gather(*(loop.run_in_executor(pool, work, name) for name in names))
    return dict(zip(names, done, strict=True))


def _known(name: str, tenant: TenantSettings, made: str) -> TenantKnown:
    return TenantKnown(
        event_id=raw_event_id("tenant_known", name, (tenant.account_sid.encode(), made.encode())),
        tenant=name,
        at=now(),
        account_sid=tenant.account_sid,
        secret_fingerprint=made,
    )


def _secret(tenant: TenantSettings) -> str:
    return tenant.contact_secret.get_secret_value()


@asynccontextmanager
async def _consumer(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(**client_options(kafka), isolation_level="read_committed", enable_auto_commit=False)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
