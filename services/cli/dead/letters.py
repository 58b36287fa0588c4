"""A dead letter as it is read off the log, and the record that it was. Pure."""

import re
from typing import NamedTuple

import msgspec
from aiokafka import ConsumerRecord

from services.cli.dead.errors import DeadError
from services.contract import letters
from services.contract.codec import DecodeError, decode
from services.contract.letters import Position
from services.contract.topics import EVENTS
from services.domain.clock import iso

Headers = tuple[tuple[str, bytes], ...]

_SOURCES = {topic.dead: topic for topic in EVENTS}
_NAME = re.compile(r"(?P<topic>[\w.-]+)/(?P<partition>\d{1,9})@(?P<offset>\d{1,18})", re.ASCII)
RETRIED_FROM = "retried-from"


class Letter(NamedTuple):
    """A dead letter. `at`: when it was put aside, as it stands on the log. `headers`: the record's own.

    `name` is the position of the record that could not be folded; of a letter that does not tell it, its own.
    `obstacle`: why the record cannot be had back from the letter; empty where it can.
    """

    name: Position
    at: str
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None
    obstacle: str

    @property
    def contact(self) -> str | None:
        """The contact key that the value names, if it can be read that far."""
        try:
            return decode(self.value, _Named).contact
        except DecodeError:
            return None


class _Named(msgspec.Struct):
    contact: str | None = None


def read_letter(record: ConsumerRecord) -> Letter:
    """A record of a dead-letter topic. What others may have written there is a letter without a source."""
    headers = {name: content or b"" for name, content in record.headers}
    source = _source(record.topic, headers)
    key: bytes | None = record.key
    value: bytes | None = record.value
    return Letter(
        name=source or Position(record.topic, record.partition, record.offset),
        at=iso(record.timestamp),
        reason=_text(headers.get(letters.REASON, b"unknown"))[:64],
        detail=_text(headers.get(letters.DETAIL, b"")),
        key=key,
        value=value,
        headers=tuple(
            (name.removeprefix(letters.KEPT), content or b"")
            for name, content in record.headers
            if name.startswith(letters.KEPT)
        ),
        timestamp_ms=_number(headers.get(letters.SOURCE_TIMESTAMP_MS)),
        obstacle=_obstacle(source, headers),
    )


def position(name: str) -> Position:
    """What a person calls a letter. Raises DeadError."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise DeadError(f"{name!r} names no letter: it looks like twilio.inbound.v1/3@17, as `dead list` shows it")
    return Position(found["topic"], int(found["partition"]), int(found["offset"]))


def _source(topic: str, headers: dict[str, bytes]) -> Position | None:
    partition, offset = _number(headers.get(letters.SOURCE_PARTITION)), _number(headers.get(letters.SOURCE_OFFSET))
    # Nobody's header sends a record to another topic than the one whose dead letters these are.
    named = _text(headers.get(letters.SOURCE_TOPIC, b"")) == _SOURCES[topic].name
    return Position(_SOURCES[topic].name, partition, offset) if named and None not in (partition, offset) else None  # type: ignore[arg-type]


def _obstacle(source: Position | None, headers: dict[str, bytes]) -> str:
    if source is None:
        return "it does not say which record it was"
    if letters.WHOLE_BATCH in headers:
        return "it is a whole record batch, and no record"
    cut = [name for name in headers if name.startswith(letters.TRUNCATED)]
    if not cut:
        return ""
    told = ", ".join(f"{name.removeprefix(letters.TRUNCATED)} {_text(headers[name])}" for name in cut)
    return f"it was too large to be kept whole ({told})"


def _number(content: bytes | None) -> int | None:
    return int(content) if content and re.fullmatch(rb"\d{1,18}", content) else None


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
