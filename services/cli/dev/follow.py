"""The live log: what comes onto the topics, and what the services warn of, in lines as it happens."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.cli.dev.lines import TOPICS, line
from services.runtime.kafka import client_options
from services.runtime.sections.kafka import KafkaSettings

Say = Callable[[str], None]
_POLL_MS = 200
_AGAIN_S = 1.0
_LOOK_S = 0.3
_ERRORS = frozenset({"ERROR", "CRITICAL"})
# Each looks at the tenants every three seconds, and a restart takes as long.
_ONCE_S = 15.0


async def follow_topics(kafka: KafkaSettings, say: Say, begun: Callable[[], None]) -> None:
    """Tell of each record that is committed after `begun`, until cancelled. A Kafka that is away is waited for."""
    partitions = [TopicPartition(name, number) for name in TOPICS for number in range(kafka.partitions)]
    # Without a group's offsets each begins at its end.
    consumer = AIOKafkaConsumer(
        **client_options(kafka), isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="latest"
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        begun()
        while True:
            try:
                polled = await consumer.getmany(timeout_ms=_POLL_MS)
            except KafkaError:
                await asyncio.sleep(_AGAIN_S)
                continue
            records = [record for some in polled.values() for record in some]
            for record in sorted(records, key=lambda one: int(one.timestamp)):
                if told := line(record.topic, record.timestamp, _object(record.value)):
                    say(told)
    finally:
        await consumer.stop()


class Once:
    """What several services say at once is told once, and again where it is said again later."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def is_new(self, text: str) -> bool:
        moment = self._clock()
        self._said = {one: at for one, at in self._said.items() if moment - at < _ONCE_S}
        if text in self._said:
            return False
        self._said[text] = moment
        return True


async def follow_files(files: Mapping[str, Path], warn: Callable[[str, str], None]) -> None:
    """Tell what the services warn of from now on, and which errors they had at the start, until cancelled.

    `files`: their logs by name, begun with this start; `warn` is told name and text.
    """
    read = dict.fromkeys(files, 0)
    levels = _ERRORS
    while True:
        for name, file in files.items():
            for told in _since(file, read, name, levels):
                warn(name, told)
        # While they start, that others have not started yet is worth no warning.
        levels = _ERRORS | {"WARNING"}
        await asyncio.sleep(_LOOK_S)


def _since(file: Path, read: dict[str, int], name: str, levels: frozenset[str]) -> Iterator[str]:
    if not file.exists() or file.stat().st_size <= read[name]:
        return
    with file.open("rb") as content:
        content.seek(read[name])
        # A line that is being written is read when it is whole.
        whole, newline, _ = content.read().rpartition(b"\n")
    read[name] += len(whole) + len(newline)
    for text in whole.decode("utf-8", "replace").splitlines():
        entry = _object(text)
        if entry.get("level") in levels and str(entry.get("logger")).startswith("services."):
            yield str(entry.get("message"))


def _object(value: bytes | str | None) -> dict[str, Any]:
    try:
        found = json.loads(value or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
