"""Both ends, written down: every committed record, and what Twilio and the producers know."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.checker.history import Entry, History, Witness, write_history
from services.contract.topics import CHANGELOGS, DEAD, EVENTS
from services.runtime.config import KafkaSettings
from services.runtime.kafka import client_options
from tests.faults.house import House
from tests.faults.load import Load


async def record(house: House, load: Load, settled: bool) -> History:
    """Everything that stands on the log now, and the witnesses of it."""
    witness = Witness(
        messages=(await house.twilio("GET", "messages"))["messages"],
        callbacks=[*(await house.twilio("GET", "callbacks"))["callbacks"], *load.posted],
        produced=load.produced,
        windows_enforced=False,
        settled=settled,
    )
    names = [*(topic.name for topic in (*EVENTS, *DEAD)), *CHANGELOGS]
    return History(tuple(await _read(house.kafka, names)), witness)


def keep(history: History, seed: str) -> Path:
    """Save a history that breaks a promise, for `switchboard check FOLDER`."""
    folder = Path(tempfile.gettempdir()) / f"switchboard-broken-{seed}"
    write_history(folder, history)
    return folder


async def _read(kafka: KafkaSettings, names: Iterable[str]) -> list[Entry]:
    everywhere = [TopicPartition(name, number) for name in names for number in range(kafka.partitions)]
    entries: list[Entry] = []
    async with AIOKafkaConsumer(
        **client_options(kafka), isolation_level="read_committed", enable_auto_commit=False
    ) as consumer:
        consumer.assign(everywhere)
        ends = await consumer.end_offsets(everywhere)
        await consumer.seek_to_beginning(*everywhere)
        behind = {at for at, end in ends.items() if end > 0}
        while behind:
            for records in (await consumer.getmany(*behind, timeout_ms=200)).values():
                entries += [_entry(record) for record in records]
            behind = {at for at in behind if await consumer.position(at) < ends[at]}
    return entries


def _entry(record: object) -> Entry:
    return Entry(
        record.topic, record.partition, record.offset, record.timestamp, record.key or b"", record.value,
        tuple((name, value or b"") for name, value in record.headers),
    )  # fmt: skip
