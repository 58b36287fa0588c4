"""The record of an event that a fold tells, refused before anything is kept of it: too large, or nobody's to write."""

from typing import NamedTuple

import msgspec

from services.contract import codec
from services.contract.topic import Topic
from services.contract.topics import topic_of
from services.runtime.folding.fold import Emission, Fold

# A record of this size fits a batch that brokers take with their default of 1 MiB, with room for framing.
MAX_RECORD_BYTES = 960 * 1024


class TooLarge(ValueError):
    """An event or a row came out larger than a broker takes."""


class Undeclared(RuntimeError):
    """A fold emitted to a topic that its contract does not name: nobody has given it the right to write there."""


class Told(NamedTuple):
    """What is emitted. `replaces`: of what it states the whole, so that of one flush only the last is written."""

    emission: Emission
    replaces: tuple[str, str] | None


def tell(fold: Fold, traceparent: bytes | None, event: msgspec.Struct) -> Told:
    """What is emitted of a derived event. Raises TooLarge, and Undeclared."""
    topic = topic_of(event)
    if topic not in fold.contract.emits:
        raise Undeclared(f"fold {fold.name} emits to {topic.name}, and its contract does not say so")
    record = _emission(topic, event, traceparent)
    record.headers.extend(fold.beside(event, record))
    return Told(record, (topic.name, topic.replaces(event)) if topic.replaces else None)


def emission(event: msgspec.Struct, traceparent: bytes | None) -> Emission:
    """The record of a derived event. Raises TooLarge."""
    return _emission(topic_of(event), event, traceparent)


def _emission(topic: Topic, event: msgspec.Struct, traceparent: bytes | None) -> Emission:
    record = Emission(
        topic.name, topic.key(event).encode(), codec.encode(event), codec.headers(topic.name, traceparent)
    )
    fits(len(record.key) + len(record.value or b""))
    return record


def fits(size: int) -> None:
    """Raises TooLarge for a record of so many bytes."""
    if size > MAX_RECORD_BYTES:
        raise TooLarge(f"{size} bytes would have to be written; a record has at most {MAX_RECORD_BYTES}")
