"""A log with a history, a processor that folded it, and the command."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import RecordsToDelete

from services.contract import codec
from services.contract.fold import PROCESSOR_APPS, changelog
from services.contract.partition import partition_of
from services.contract.topics import FOLDS, topic_of
from services.operations.topic_admin import connect
from services.runtime.sections.kafka import KafkaSettings
from tests.members import admin_of
from tests.processes import Service, running
from tests.switchboard import switchboard
from tests.waiting import eventually

PARTITIONS = 2
PROCESSOR_FOLDS = [fold for fold in FOLDS if fold.app in PROCESSOR_APPS.values()]
Rows = dict[bytes, bytes]


class House:
    """The broker, the settings, and where the processor answers."""

    def __init__(self, bootstrap: str, settings: Path, folder: Path, port: int) -> None:
        self.bootstrap = bootstrap
        self.folder = folder
        self.settings = settings
        self._port = port

    @contextmanager
    def processor(self, **environment: str) -> Iterator[Service]:
        with running("processor", self.settings, self.folder, self._port, **environment) as service:
            yield service

    async def rebuild(self, *words: str, code: int = 0, **environment: str) -> str:
        """What it says, after it ended with this exit code."""
        said = await switchboard(self.settings, "rebuild", *words, code=code, **environment)
        return said.out.decode() if "--json" in words else said.text

    async def told(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The same as JSON."""
        told: dict[str, Any] = json.loads(await self.rebuild(*words, "--json", code=code))
        return told

    async def tell(self, facts: Iterable[msgspec.Struct]) -> None:
        """Write facts as their services do."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=5) as producer:
            sent = []
            for fact in facts:
                topic = topic_of(fact)
                key = topic.key(fact).encode()
                sent.append(
                    await producer.send(
                        topic.name,
                        codec.encode(fact),
                        key=key,
                        partition=partition_of(key, PARTITIONS),
                        headers=codec.headers(topic.name),
                    )
                )
            await asyncio.gather(*sent)

    async def plant(self, table: str, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Write rows into a live table, past everybody."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all") as producer:
            acks = [
                await producer.send(changelog_of(table), value, key=key, partition=place(table, key))
                for key, value in rows
            ]
            await asyncio.gather(*acks)

    async def rows(self, table: str) -> Rows:
        """The live rows, as a restore would find them."""
        return await self.last(changelog_of(table))

    async def last(self, topic: str) -> Rows:
        """The last committed value of each key."""
        found: Rows = {}
        for key, value in await self.records(topic):
            if value is None:
                found.pop(key or b"", None)
            else:
                found[key or b""] = value
        return found

    async def records(self, topic: str) -> list[tuple[bytes | None, bytes | None]]:
        """All committed records."""
        found = await self._read({TopicPartition(topic, number): 0 for number in range(PARTITIONS)})
        return [(one.key, one.value) for one in found]

    async def _read(self, since: Mapping[TopicPartition, int]) -> list[ConsumerRecord]:
        found = []
        async with AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level="read_committed", enable_auto_commit=False
        ) as consumer:
            consumer.assign(list(since))
            begins = await consumer.beginning_offsets(list(since))
            for partition, offset in since.items():
                consumer.seek(partition, max(begins[partition], offset))
            ends = await consumer.end_offsets(list(since))
            while any([await consumer.position(one) < end for one, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=100)).values():
                    found += batch
        return found

    async def folded(self) -> None:
        """Wait until the processor has folded all there is."""
        await eventually(self._is_folded, 180, "all is folded")

    async def _is_folded(self) -> bool:
        committed: dict[TopicPartition, int] = {}
        async with connect(KafkaSettings(bootstrap=self.bootstrap)) as admin:
            for fold in PROCESSOR_FOLDS:
                partitions = [
                    TopicPartition(topic.name, number) for topic in fold.reads for number in range(PARTITIONS)
                ]
                committed |= await admin.committed(fold.app, partitions)
        return not await self._read(committed)

    async def cut(self, *topics: str) -> None:
        """Retention has taken all that these topics held."""
        await self._cut(await self._offsets(AIOKafkaConsumer.end_offsets, *topics))

    async def cut_one(self, topic: str) -> None:
        """Retention takes the oldest record of each partition."""
        begins = await self._offsets(AIOKafkaConsumer.beginning_offsets, topic)
        await self._cut({one: at + 1 for one, at in begins.items()})

    async def _offsets(self, asked: Callable[..., Awaitable[dict]], *topics: str) -> dict[TopicPartition, int]:
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        async with AIOKafkaConsumer(bootstrap_servers=self.bootstrap) as consumer:
            return await asked(consumer, partitions)

    async def _cut(self, before: Mapping[TopicPartition, int]) -> None:
        async with admin_of(self.bootstrap) as admin:
            await admin.delete_records({one: RecordsToDelete(end) for one, end in before.items()})


def changelog_of(table: str) -> str:
    """The changelog of a table of the processor's."""
    return next(changelog(fold.app, table) for fold in PROCESSOR_FOLDS if table in fold.keeps)


def place(table: str, key: bytes) -> int:
    """The partition of a row."""
    # A message's row lies where its facts lie, whose key is its SID; which tenant's it is stands behind that.
    name = key.partition(b" ")[0] if table == "delivery" else key
    # Counts lie where the messages lie that they count; their key ends with that.
    return int(name.rpartition(b"|")[2]) if table == "deliverability" else partition_of(name, PARTITIONS)


def canonical(rows: Rows) -> dict[str, str]:
    """Rows whatever the order of their maps' keys."""
    return {key.decode(): json.dumps(json.loads(value), sort_keys=True) for key, value in rows.items()}


def saved(file: Path) -> Rows:
    """The rows of a snapshot."""
    rows = [json.loads(line) for line in file.read_text().splitlines()[1:-1]]
    return {key.encode(): json.dumps(row).encode() for _, key, row in rows}
