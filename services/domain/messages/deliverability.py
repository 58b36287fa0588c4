"""The deliverability fold: how many messages reached sent, delivered, read or failed, per minute and dimension.

A message is counted once, under the furthest status known; when that or anything else of its place changes, it leaves
one count and enters another. Each value states the whole count of its minute again, as far as one part of the log
knows it: readers take the last value of each part.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.messages.events import Counted, DeliveryChanged

# What is told later than this after a message's first step moves no count: the counts of its minute are forgotten.
COUNTED_FOR_S = 30 * 86_400.0
# A day more than counts may still move: what is folded late must find the count that it moves.
REMEMBER_S = COUNTED_FOR_S + 86_400.0


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one minute, dimension and part of the log. Key: what is not a number of messages."""

    tenant: str
    minute: str
    country: str
    carrier: str
    channel: str
    sender: str
    part: int
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    errors: dict[str, int] = {}


class DeliverabilityCounted(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages stand where in a minute (`twilio.deliverability.v1`, keyed by dimension), absolute.

    Each message is in one of `sent`, `delivered`, `read`, `failed`. `errors`: code → messages among those failed.
    `part` is the partition that their facts lie in: add up the last value of each. `country`: ISO code, `carrier`:
    whose number range it is; both empty where they are not known.
    """

    event_type: Literal["deliverability_counted"] = "deliverability_counted"
    event_id: str
    tenant: str
    minute: str
    country: str
    carrier: str
    channel: str
    sender: str
    part: int
    sent: int
    delivered: int
    read: int
    failed: int
    errors: dict[str, int]


class Move(NamedTuple):
    """What a change of one message does to one row. `row`: as it is without any message."""

    event_id: str
    row: Counts
    left: Counted | None
    entered: Counted | None


class Counting:
    """The fold. `part` gives the partition of a MessageSid."""

    def __init__(self, part: Callable[[str], int]) -> None:
        self._part = part

    def __call__(self, state: Counts | None, event: Move | Due) -> tuple[Counts | None, list[DeliverabilityCounted]]:
        """Fold one move; a `Due` forgets the minute."""
        if isinstance(event, Due):
            return None, []
        known = state or event.row
        after = _with(_with(known, event.left, -1), event.entered, 1)
        return (state, []) if after == known else (after, [told(after, event.event_id)])

    def moves(self, event: DeliveryChanged) -> list[Move]:
        """What a change does to each row that it touches; nothing where it is known after the counts are forgotten."""
        left, entered = event.counted_before, event.counted_now
        places = [place for place in (left, entered) if place]
        if left == entered or any(event.known_at > later(place.minute, COUNTED_FOR_S) for place in places):
            return []
        rows = [self._row(event, place) for place in places]
        if len(places) == 2 and rows[0] == rows[1]:
            return [Move(event.event_id, rows[0], left, entered)]
        return [
            Move(event.event_id, row, place if place is left else None, place if place is entered else None)
            for row, place in zip(rows, places, strict=True)
        ]

    def _row(self, event: DeliveryChanged, place: Counted) -> Counts:
        return Counts(
            tenant=event.tenant,
            minute=place.minute,
            country=place.country,
            carrier=place.carrier,
            channel=place.channel,
            sender=place.sender,
            part=self._part(event.message_sid),
        )


def _with(row: Counts, place: Counted | None, messages: int) -> Counts:
    """A row with so many messages more under a place of it; never with fewer than none."""
    if place is None:
        return row
    reached = max(getattr(row, place.reached) + messages, 0)
    errors = row.errors
    if place.error is not None:
        code = str(place.error)
        errors = {**errors, code: errors.get(code, 0) + messages}
        if errors[code] <= 0:
            del errors[code]
    return replace(row, **{place.reached: reached, "errors": errors})


def key(move: Move) -> str:
    """The row that a move is folded into."""
    return row_key(move.row)


def row_key(counts: Counts | DeliverabilityCounted) -> str:
    """What tells one count from all others."""
    return f"{dimension(counts)}|{counts.minute}|{counts.part}"


def dimension(counts: Counts | DeliverabilityCounted) -> str:
    """What is counted apart, but for the minute."""
    return f"{counts.tenant}|{counts.country}|{counts.carrier}|{counts.channel}|{counts.sender}"


def due(counts: Counts) -> str:
    return later(counts.minute, REMEMBER_S)


def told(counts: Counts, source: str) -> DeliverabilityCounted:
    """The whole count of a row, told because of the event `source`."""
    return DeliverabilityCounted(
        event_id=derived_event_id(source, "counted", row_key(counts)),
        tenant=counts.tenant,
        minute=counts.minute,
        country=counts.country,
        carrier=counts.carrier,
        channel=counts.channel,
        sender=counts.sender,
        part=counts.part,
        sent=counts.sent,
        delivered=counts.delivered,
        read=counts.read,
        failed=counts.failed,
        errors=counts.errors,
    )
