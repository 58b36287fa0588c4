"""Numbers that a carrier took back: whoever said yes there may not be who has the number next, so no yes from before
counts any more. A no stays: it harms nobody.

One record tells of many contacts of one partition, of which most are nobody's: only who is known here is marked.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from services.domain.between import Between
from services.domain.clock import later
from services.domain.consent.events import DeactivationRecorded
from services.domain.identity import derived_event_id

# When a day of UTC has begun, it is the day before for so long in the last place on earth.
OVER_AFTER_S = 12 * 3600.0
DAY_S = 86_400.0


class NumbersDeactivated(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="numbers_deactivated"):
    """Numbers that stand in Twilio's list of a day (`twilio.outbound.accepted.v1`, by partition).

    `key` is the record's, and names its partition; `contacts` lie on the same. `at`: when that day ended.
    """

    event_id: str
    key: str
    tenant: str
    date: str
    at: str
    contacts: list[str]

    @property
    def contact(self) -> str:
        """It stands among a partition's contacts as one of its own."""
        return self.key


class NumberDeactivated(msgspec.Struct, frozen=True, kw_only=True):
    """What such a record says of one contact."""

    event_id: str
    tenant: str
    contact: str
    date: str
    at: str


class KnownDeactivated(Between, frozen=True, kw_only=True):
    """The same of one who said yes or no at any time: to their other rows."""

    event_id: str
    tenant: str
    contact: str
    at: str


def end_of(date: str) -> str:
    """When a day of the list is over wherever its carriers are: a yes of that day may have come before."""
    return later(f"{date}T00:00:00.000Z", DAY_S + OVER_AFTER_S)


def parts(event: Any) -> Sequence[Any]:
    """An event for each contact; any other event is one itself."""
    if not isinstance(event, NumbersDeactivated):
        return (event,)
    return [
        NumberDeactivated(event_id=event.event_id, tenant=event.tenant, contact=contact, date=event.date, at=event.at)
        for contact in event.contacts
    ]


def record(event: NumberDeactivated) -> tuple[DeactivationRecorded, KnownDeactivated]:
    """The evidence, and what else is to know of it."""
    known = KnownDeactivated(event_id=event.event_id, tenant=event.tenant, contact=event.contact, at=event.at)
    recorded = DeactivationRecorded(
        event_id=derived_event_id(event.event_id, "deactivation", event.contact),
        tenant=event.tenant,
        contact=event.contact,
        date=event.date,
        at=event.at,
        evidence=event.event_id,
    )
    return recorded, known
