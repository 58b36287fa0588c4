"""What the tests hold: a broker with the topics, letters as the folds write them, and the log as its readers see it."""

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from services.contract.codec import decode
from services.contract.codec import headers as codec_headers
from services.contract.letters import HANDLED, LetterHandled
from services.contract.messages import INBOUND
from services.contract.partition import partition_of
from services.contract.topic import Topic
from services.runtime.folding.dead import Why, dead_letter
from services.runtime.folding.fold import Record
from tests.processes import PARTITIONS

VALUE = b'{"body": "a secret", "from": "+14155550123", "note": "jo@example.org"'
HEADERS = [*codec_headers(INBOUND.name, b"00-1-2-01"), ("twice", b"1"), ("twice", b"2")]


class House(NamedTuple):
    """Topics have fixed names, so each test has keys of its own."""

    settings: Path
    bootstrap: str


class Lost(NamedTuple):
    """A record that could not be folded. `position` names its letter."""

    record: Record

    @property
    def position(self) -> str:
        return f"{self.record.topic}/{self.record.partition}@{self.record.offset}"


def fresh_key() -> str:
    return f"key-{uuid.uuid4().hex[:10]}"


def lost(key: str, value: bytes | None = VALUE, topic: Topic = INBOUND, timestamp: int = 1_700_000_000_000) -> Lost:
    """A record with this key, at an offset that no other has."""
    offset = uuid.uuid4().int % 10**15
    partition = partition_of(key.encode(), PARTITIONS)
    return Lost(Record(topic.name, partition, offset, timestamp, key.encode(), value, HEADERS))


async def bury(
    house: House,
    *records: Lost,
    reason: str = "undecodable",
    detail: str = "why +14155550123",
    topic: Topic = INBOUND,
    holds: bool = False,
) -> None:
    """Write their letters, as a fold does."""
    async with AIOKafkaProducer(bootstrap_servers=house.bootstrap, acks="all") as producer:
        # One after the other, also for a clock of milliseconds.
        for at, one in enumerate(records, start=time.time_ns() // 1_000_000):
            letter = dead_letter(topic, one.record, Why(reason, detail), holds)
            await producer.send_and_wait(
                letter.topic, letter.value, key=letter.key, headers=letter.headers, timestamp_ms=at
            )


async def on_the_log(house: House, topic: Topic | str, key: str | None = None) -> list[ConsumerRecord]:
    """The committed records of a topic, of this key if one is named."""
    name = topic if isinstance(topic, str) else topic.name
    partitions = [TopicPartition(name, number) for number in range(PARTITIONS)]
    found: list[ConsumerRecord] = []
    # Where the log ends, and not only where it is settled: what was committed just now is waited for.
    async with AIOKafkaConsumer(bootstrap_servers=house.bootstrap) as asking:
        asking.assign(partitions)
        ends = await asking.end_offsets(partitions)
    async with AIOKafkaConsumer(
        bootstrap_servers=house.bootstrap, isolation_level="read_committed", enable_auto_commit=False
    ) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += records
    return [record for record in found if key is None or record.key == key.encode()]


async def marks(house: House, letters: Sequence[Lost]) -> list[LetterHandled]:
    """What the log says was done about these, in order."""
    names = {one.position for one in letters}
    found = [decode(record.value, LetterHandled) for record in await on_the_log(house, HANDLED)]
    return sorted((mark for mark in found if str(mark.position) in names), key=lambda mark: mark.at)
