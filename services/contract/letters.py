"""Dead letters as they stand on the log: the names of their headers, and what people have done about one."""

from typing import Literal, NamedTuple

import msgspec

from services.contract.fold import Product
from services.contract.topic import QUARTER, Topic
from services.domain.identity import raw_event_id

REASON = "reason"
DETAIL = "detail"
# The steps of the fold that could not take the record, where it could be decoded.
STEPS = "steps"
# The record's contact is held for it.
HOLDS = "holds"
SOURCE_TOPIC = "source-topic"
SOURCE_PARTITION = "source-partition"
SOURCE_OFFSET = "source-offset"
SOURCE_TIMESTAMP_MS = "source-timestamp-ms"
# On a public record that is retried, for the broker dates it anew: when it was produced first.
PRODUCED_MS = "produced-ms"
# Before the names of the record's own headers.
KEPT = "source-header-"
# Before the names of headers that say what was cut off, so that the record cannot be had back from the letter.
TRUNCATED = "truncated-"
# Says that the value is a whole record batch, of which no record could be read.
WHOLE_BATCH = "whole-batch"


class Position(NamedTuple):
    """Where a record stands on the log. As text, `twilio.inbound.v1/3@17`, it names the record's dead letter."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"


class LetterHandled(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter was dealt with (`twilio.dead.handled.v1`, keyed by the record's position).

    `retried`: its record was written to its topic again, in the same transaction as this. `dropped`: it never will be.
    """

    event_type: Literal["letter_handled"] = "letter_handled"
    event_id: str
    tenant: str
    at: str
    source_topic: str
    source_partition: int
    source_offset: int
    how: Literal["retried", "dropped"]
    note: str | None = None

    @property
    def position(self) -> Position:
        """Of the record that could not be folded."""
        return Position(self.source_topic, self.source_partition, self.source_offset)


def handled(position: Position, how: Literal["retried", "dropped"], at: str, note: str | None) -> LetterHandled:
    """The fact that a letter was dealt with at `at`. What a letter holds may be unreadable, so it is of no tenant."""
    return LetterHandled(
        event_id=raw_event_id("letter_handled", "", (str(position).encode(), how.encode(), at.encode())),
        tenant="",
        at=at,
        source_topic=position.topic,
        source_partition=position.partition,
        source_offset=position.offset,
        how=how,
        note=note,
    )


# Kept longer than the dead letters themselves: one that was dealt with must not look as if it were not.
HANDLED = Topic("twilio.dead.handled.v1", LetterHandled, lambda e: str(e.position), "source position", QUARTER)

PRODUCT = Product((HANDLED,))
