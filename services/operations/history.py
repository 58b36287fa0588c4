"""A history as it is now: the log as Kafka has it, and what a simulated Twilio saw, if one is there."""

from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.checker.history import Entry, History, Witness
from services.contract.topics import CHANGELOGS, DEAD, EVENTS, own_topics
from services.operations.folded import behind
from services.operations.log import LogError, LogReader, readable
from services.operations.log import check as log_check
from services.operations.topic_admin import connect
from services.runtime.config import Settings
from services.runtime.kafka import client_options
from services.runtime.sections.kafka import KafkaSettings

Told = Callable[[int, int], None]
_TOPICS = (*(topic.name for topic in (*EVENTS, *DEAD)), *CHANGELOGS)
_TIMEOUT_S = 60.0


async def read_live(settings: Settings, told: Told, produced: Sequence[dict[str, Any]] = ()) -> History:
    """All that is committed now. `told` hears how many records were read, of how many. Raises ConfigError.

    `produced`: what producers had acknowledged, where that is known; see Witness.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as session:
        api = f"{settings.twilio.api}/simulator"
        before = await _seen(session, api)
        entries, settled = await _read(settings.kafka, told)
        if before is None:
            return History(entries, at_rest=settled)
        seen = await _seen(session, api)
        # Nothing that Twilio knows may be newer than the log, so what it knew before counts.
        still = settled and before["quiet"] and seen == before
        return History(
            entries,
            Witness(
                before["messages"],
                before["callbacks"],
                list(produced),
                before["enforce"],
                still,
                before["executions"],
            ),
        )


async def _seen(session: aiohttp.ClientSession, url: str) -> dict[str, Any] | None:
    """What a simulator tells under `url`, or None: the real Twilio has no such API."""
    seen: dict[str, Any] = {}
    try:
        for route in ("quiet", "messages", "callbacks", "windows", "executions"):
            async with session.get(f"{url}/{route}") as response:
                response.raise_for_status()
                seen |= await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return seen


async def _read(kafka: KafkaSettings, told: Told) -> tuple[Sequence[Entry], bool]:
    """The records, and whether the log had come to rest: nothing more was written, and all of it is folded."""
    ours = (*_TOPICS, *(topic.name for topic in own_topics(kafka.tenant_topics)))
    async with connect(kafka) as admin:
        actual = await admin.actual(ours)
    topics = [name for name in ours if name in actual]
    if not topics:
        raise LogError(f"Kafka at {kafka.bootstrap} has no topic of ours; run `switchboard topics apply`")
    await log_check(kafka, topics)
    entries: list[Entry] = []
    last: dict[TopicPartition, int] = {}

    def take(record: Any) -> None:
        entries.append(_entry(record))
        last[TopicPartition(record.topic, record.partition)] = record.offset

    with readable(kafka):
        async with LogReader(kafka, None) as log:
            ends = await log.read(topics, take, told)
            grown = await log.ends(list(ends)) != ends
        return entries, not grown and await _folded(kafka, last)


async def _folded(kafka: KafkaSettings, last: dict[TopicPartition, int]) -> bool:
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    try:
        return await behind(admin, last) is None
    finally:
        await admin.close()


def _entry(record: Any) -> Entry:
    headers = tuple((name, content or b"") for name, content in record.headers)
    key = record.key or b""
    return Entry(record.topic, record.partition, record.offset, record.timestamp, key, record.value, headers)
