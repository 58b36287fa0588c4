"""The deliverability fold: how many messages reached which end, per minute, country, carrier, sender and error.

It counts changes of a message's state, never callbacks, so repeats and replays count nothing. Each value states the
whole count of its minute again, as far as one part of the log knows it: readers take the last value of each part.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec
import phonenumbers
from msgspec.structs import replace
from phonenumbers import carrier

from services.domain.clock import later
from services.domain.contact import bare
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.messages.delivery import FINAL
from services.domain.messages.events import DeliveryChanged

# As long as the facts are kept: what is folded late must find the count that it adds to.
REMEMBER_S = 31 * 86_400.0
# What is sent, and how it ends; the steps between say nothing of a carrier.
COUNTED = FINAL | {"sent"}
_FAILED = frozenset({"failed", "undelivered", "partially_delivered"})
_LONGEST_SENDER = 64
UNKNOWN = ""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one minute, dimension and part of the log. Key: everything but `reached`."""

    tenant: str
    minute: str
    country: str
    carrier: str
    sender: str
    error: int | None
    part: int
    reached: dict[str, int]


class DeliverabilityCounted(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages reached each status in a minute (`twilio.deliverability.v1`, keyed by dimension).

    `reached`: status → messages, absolute. `part` is the partition that their facts lie in: add up the last value of
    each. `country`: ISO code, `carrier`: whose number range it is; both empty where they are not known.
    """

    event_type: Literal["deliverability_counted"] = "deliverability_counted"
    event_id: str
    tenant: str
    minute: str
    country: str
    carrier: str
    sender: str
    error: int | None
    part: int
    reached: dict[str, int]


class _Place(NamedTuple):
    country: str
    carrier: str


class Counting:
    """The fold. `part` gives the partition of a MessageSid."""

    def __init__(self, part: Callable[[str], int]) -> None:
        self._part = part

    def __call__(
        self, state: Counts | None, event: DeliveryChanged | Due
    ) -> tuple[Counts | None, list[DeliverabilityCounted]]:
        """Count one change; a `Due` forgets the minute."""
        if isinstance(event, Due):
            return None, []
        if event.status not in COUNTED or event.status == event.previous_status:
            return state, []
        known = state or self._fresh(event)
        counted = replace(known, reached={**known.reached, event.status: known.reached.get(event.status, 0) + 1})
        return counted, [_told(counted, event)]

    def key(self, event: DeliveryChanged) -> str:
        """The row that a change is counted in."""
        return row_key(self._fresh(event))

    def _fresh(self, event: DeliveryChanged) -> Counts:
        place = _place(event.to)
        return Counts(
            tenant=event.tenant,
            minute=f"{event.at[:16]}:00.000Z",
            country=place.country,
            carrier=place.carrier,
            sender=event.from_[:_LONGEST_SENDER],
            # A message that arrived after all had no error; one told of later is not moved to.
            error=event.error_code if event.status in _FAILED else None,
            part=self._part(event.message_sid),
            reached={},
        )


def row_key(counts: Counts | DeliverabilityCounted) -> str:
    """What tells one count from all others."""
    return f"{dimension(counts)}|{counts.minute}|{counts.part}"


def dimension(counts: Counts | DeliverabilityCounted) -> str:
    """What is counted apart, but for the minute."""
    return f"{counts.tenant}|{counts.country}|{counts.carrier}|{counts.sender}|{counts.error or ''}"


def due(counts: Counts) -> str:
    return later(counts.minute, REMEMBER_S)


# Reading a number takes longer than folding its message, and each comes a few times in a row.
@lru_cache(maxsize=1 << 13)
def _place(address: str) -> _Place:
    try:
        number = phonenumbers.parse(bare(address))
    except phonenumbers.NumberParseException:
        return _Place(UNKNOWN, UNKNOWN)
    return _Place(phonenumbers.region_code_for_number(number) or UNKNOWN, carrier.name_for_number(number, "en"))


def _told(counts: Counts, event: DeliveryChanged) -> DeliverabilityCounted:
    return DeliverabilityCounted(
        event_id=derived_event_id(event.event_id, "counted", row_key(counts)),
        tenant=counts.tenant,
        minute=counts.minute,
        country=counts.country,
        carrier=counts.carrier,
        sender=counts.sender,
        error=counts.error,
        part=counts.part,
        reached=counts.reached,
    )
