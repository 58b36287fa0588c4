"""Which record a dead letter stands for, as its headers say it."""

import re
from collections.abc import Mapping

from services.contract import letters
from services.contract.letters import Position
from services.contract.topic import shared_name
from services.contract.topics import EVENTS

_SOURCES = {topic.dead: topic for topic in EVENTS}
_DEAD = {topic.name: topic.dead for topic in EVENTS}


def source(topic: str, headers: Mapping[str, bytes]) -> Position | None:
    """The position of the record that could not be folded; None for a letter in `topic` that does not tell it."""
    partition, offset = number(headers.get(letters.SOURCE_PARTITION)), number(headers.get(letters.SOURCE_OFFSET))
    # Nobody's header sends a record to another topic than the one whose dead letters these are.
    named = headers.get(letters.SOURCE_TOPIC, b"").decode("utf-8", "replace")
    if partition is None or offset is None or shared_name(named) != _SOURCES[topic].name:
        return None
    return Position(named, partition, offset)


def kept_in(position: Position) -> str:
    """The dead-letter topic that has the letter of this name."""
    return _DEAD.get(shared_name(position.topic), position.topic)


def number(content: bytes | None) -> int | None:
    """A header that is a number."""
    return int(content) if content and re.fullmatch(rb"\d{1,18}", content) else None
