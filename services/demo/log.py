"""The other end: every record of every topic, as any consumer of committed records reads it."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.contract.outbound import RESULTS
from services.contract.topic import Topic
from services.contract.topics import DEAD, EVENTS
from services.runtime.kafka import client_options
from services.runtime.sections.kafka import KafkaSettings

_POLL_MS = 100


@dataclass(frozen=True)
class Entry:
    """A record: `event` is its value where that is a JSON object."""

    topic: str
    key: bytes
    value: bytes
    written_ms: int
    event: Mapping[str, Any]


@dataclass
class Log:
    """What was read so far, in the order read: that of each partition. `last` is the last offset of each.

    `terminal` and `sent` are ids of commands, but for the product's own: its answers to STOP and START.
    """

    entries: list[Entry] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)
    terminal: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    last: dict[TopicPartition, int] = field(default_factory=dict)

    def of(self, topic: Topic) -> Iterator[Entry]:
        return (entry for entry in self.entries if entry.topic == topic.name)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.count[entry.topic] += 1
        if entry.topic == RESULTS.name and entry.event["terminal"] and not is_own(entry.event["command_id"]):
            self.terminal.add(entry.event["command_id"])
            if entry.event["step"] == "sent":
                self.sent.add(entry.event["command_id"])


def is_own(command_id: str) -> bool:
    """Whether it is a command that nobody produced."""
    return command_id.startswith("confirm-")


class LogReader:
    """Reads all topics from their beginning for as long as it is open."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.log = Log()
        self._consumer = AIOKafkaConsumer(
            **client_options(kafka), isolation_level="read_committed", enable_auto_commit=False
        )
        topics = [topic.name for topic in (*EVENTS, *DEAD)]
        self._partitions = [TopicPartition(name, number) for name in topics for number in range(kafka.partitions)]

    async def __aenter__(self) -> "LogReader":
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        await self._consumer.seek_to_beginning(*self._partitions)
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        await self._consumer.stop()

    async def has_all(self) -> bool:
        """Whether everything was read that was committed when asked. Raises what ended the reading."""
        if self._following.done():
            self._following.result()
        ends = await self._consumer.end_offsets(self._partitions)
        # By position, for the last record of a transaction is followed by a marker that nobody is given.
        return all([await self._consumer.position(partition) >= end for partition, end in ends.items()])

    async def _follow(self) -> None:
        while True:
            for partition, records in (await self._consumer.getmany(timeout_ms=_POLL_MS)).items():
                for record in records:
                    self.log.add(_entry(record))
                self.log.last[partition] = records[-1].offset


def _entry(record: Any) -> Entry:
    value = record.value or b""
    return Entry(record.topic, record.key or b"", value, record.timestamp, _object(value))


def _object(value: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
