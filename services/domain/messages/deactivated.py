"""Which days of Twilio's list of deactivated numbers are on the log of a tenant, and which are due."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec

from services.domain.clock import parse
from services.domain.consent.deactivations import OVER_AFTER_S, NumbersDeactivated, end_of
from services.domain.identity import derived_event_id

# Longer than that nobody was at work for: the list of a day before is not asked for.
_BACK = timedelta(days=7)
# A day's list that is not there by then never is.
GIVEN_UP = timedelta(days=3)


class Deactivated(msgspec.Struct, frozen=True):
    """All that Twilio's lists had up to this day, the day included, is on the log. Key: tenant."""

    tenant: str
    through: str


class PartRead(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a day's list that lie on one partition (the poller's own event; never on the log).

    `number` counts the parts of a partition; a list that is read again has the same.
    """

    tenant: str
    date: str
    key: str
    number: int
    contacts: tuple[str, ...]


class ListRead(msgspec.Struct, frozen=True, kw_only=True):
    """All of a day's list is on the log, or it is not there (the poller's own event; never on the log)."""

    tenant: str
    date: str


FACTS = (PartRead, ListRead)


def fold(state: Deactivated | None, event: PartRead | ListRead) -> tuple[Deactivated | None, Sequence[msgspec.Struct]]:
    """Tell a part; note a day."""
    if isinstance(event, ListRead):
        return Deactivated(event.tenant, max(state.through if state else "", event.date)), ()
    source = f"{event.tenant} {event.date} {event.key} {event.number}"
    return state, [
        NumbersDeactivated(
            event_id=derived_event_id(source, "deactivated", ",".join(event.contacts)),
            key=event.key,
            tenant=event.tenant,
            date=event.date,
            at=end_of(event.date),
            contacts=list(event.contacts),
        )
    ]


def today(moment: str) -> date:
    """The day that is not over everywhere: its list may not be whole."""
    return (parse(moment) - timedelta(seconds=OVER_AFTER_S)).date()


def due(state: Deactivated | None, today: date) -> Iterator[date]:
    """The days whose lists are to be read, in order: the first time yesterday's alone."""
    last = today - timedelta(days=1)
    known = date.fromisoformat(state.through) if state else last - timedelta(days=1)
    day = max(known + timedelta(days=1), today - _BACK)
    while day <= last:
        yield day
        day += timedelta(days=1)


def phone(line: bytes) -> str | None:
    """A line of the list as E.164; None: it is no number of the US."""
    digits = line.strip().removeprefix(b"+")
    if not digits.isdigit() or len(digits) not in (10, 11):
        return None
    number = digits.decode()
    number = number if len(number) == 11 else f"1{number}"
    return f"+{number}" if number.startswith("1") else None
