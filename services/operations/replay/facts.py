"""Which raw facts are meant, and what is written for one. Pure."""

from typing import NamedTuple

import msgspec
from aiokafka import ConsumerRecord

from services.contract.codec import DecodeError, decode
from services.contract.messages import INBOUND, STATUS
from services.contract.topic import Topic
from services.domain.messages.events import InboundReceived, StatusReceived
from services.operations.times import milliseconds
from services.operations.writing import Outgoing
from services.runtime.section import ConfigError

REPLAYED_AT = "replayed-at"
REPLAYED_FROM = "replayed-from"
_TOPICS = {topic.name: topic for topic in (INBOUND, STATUS)}
# Producers' clocks differ a little; what was received then may have been written that much before.
_MARGIN_MS = 3_600_000


class ReplayError(ConfigError):
    """A sentence for people: what cannot be replayed, and what to do next."""


class Asked(NamedTuple):
    """Filters, all of which must fit; None and empty ones fit everything. `since`, `until`: when we heard of it."""

    topics: tuple[Topic, ...]
    sids: frozenset[str] = frozenset()
    tenant: str | None = None
    contact: str | None = None
    since: str | None = None
    until: str | None = None

    def fits(self, fact: InboundReceived | StatusReceived) -> bool:
        """Is this one of them?"""
        return (
            (not self.sids or fact.message_sid in self.sids)
            and self.tenant in (None, fact.tenant)
            and self.contact in (None, fact.contact)
            and (self.since is None or self.since <= fact.received_at)
            and (self.until is None or fact.received_at < self.until)
        )

    @property
    def from_ms(self) -> int | None:
        """When the first of them may have been written, in milliseconds since 1970."""
        return max(0, milliseconds(self.since) - _MARGIN_MS) if self.since else None

    @property
    def everything(self) -> bool:
        """Is nothing asked for in particular?"""
        return not self.sids and set(self[2:]) == {None}


def topics(name: str | None) -> tuple[Topic, ...]:
    """The raw topics that are meant. Raises ReplayError for another one."""
    if name is None:
        return INBOUND, STATUS
    if name not in _TOPICS:
        raise ReplayError(f"{name} holds no raw facts; those that do: {', '.join(_TOPICS)}")
    return (_TOPICS[name],)


def read_fact(record: ConsumerRecord) -> InboundReceived | StatusReceived | None:
    """The fact of a record, or None for what cannot be read: that is a dead letter, and would be one again."""
    try:
        fact: InboundReceived | StatusReceived = decode(record.value, _TOPICS[record.topic].event)
    except DecodeError:
        return None
    return fact


def is_copy(record: ConsumerRecord, oldest: int) -> bool:
    """Did a replay write it, and is what it was copied from still there? `oldest`: its partition's first offset."""
    copied_from = dict(record.headers).get(REPLAYED_FROM)
    return copied_from is not None and copied_from.isdigit() and int(copied_from) >= oldest


def copy(record: ConsumerRecord, at: str) -> Outgoing:
    """The same record once more: its key, value, partition and headers, and that it was replayed `at`, and whence."""
    kept = [(name, content or b"") for name, content in record.headers if name not in (REPLAYED_AT, REPLAYED_FROM)]
    told = [(REPLAYED_AT, at.encode()), (REPLAYED_FROM, str(record.offset).encode())]
    return Outgoing(record.topic, record.partition, record.key, record.value, [*kept, *told])


class Tally(msgspec.Struct):
    """What was found on one topic, and how much of it is written again."""

    chosen: int = 0
    written: int = 0
    copies: int = 0
    unreadable: int = 0
    first: str | None = None
    last: str | None = None

    def choose(self, fact: InboundReceived | StatusReceived) -> None:
        """One more is meant."""
        self.chosen += 1
        self.first = min(self.first or fact.received_at, fact.received_at)
        self.last = max(self.last or fact.received_at, fact.received_at)
