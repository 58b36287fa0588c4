"""What Twilio's Lookup tells of a number, as a fact; and how many were asked for in a day, which cost money.

A look is counted before it is made, under the partition's fence: whoever is killed in between has counted one too many
and never one too few.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.reachability import PhoneLine

_DAY_S = 86_400.0
# Of a time, its day.
_DAY = 10
_PACKAGE = "line_type_intelligence"
_LONGEST, _NO_CODE = 100, 1_000_000


class NumberLookedUp(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="number_looked_up"):
    """Twilio's Lookup said what stands behind a contact's number (`twilio.outbound.accepted.v1`, keyed by contact)."""

    event_id: str
    tenant: str
    contact: str
    at: str
    line: PhoneLine


class LineAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A number is about to be looked up (the sender's own event; never on the log)."""

    tenant: str
    contact: str
    at: str


class LineRead(msgspec.Struct, frozen=True, kw_only=True):
    """A number was looked up (the sender's own event; never on the log)."""

    tenant: str
    contact: str
    at: str
    line: PhoneLine


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How many numbers of a tenant were looked up in a day of UTC. Key: tenant and day, see `row_key`."""

    until: str
    count: int = 0


FACTS = (LineAsked, LineRead)


def row_key(tenant: str, moment: str) -> str:
    return f"{tenant} {moment[:_DAY]}"


def key_of(event: LineAsked | LineRead) -> str:
    return row_key(event.tenant, event.at)


def fold(state: Asked | None, event: LineAsked | LineRead | Due) -> tuple[Asked | None, list[NumberLookedUp]]:
    """Count a look, or tell what it found. A row ends with its day."""
    match event:
        case LineAsked():
            known = state or Asked(until=later(f"{event.at[:_DAY]}T00:00:00.000Z", _DAY_S))
            return msgspec.structs.replace(known, count=known.count + 1), []
        case LineRead():
            found = NumberLookedUp(
                event_id=derived_event_id(event.contact, "line", event.at),
                tenant=event.tenant,
                contact=event.contact,
                at=event.at,
                line=event.line,
            )
            return state, [found]
        case _:
            return None, []


def due(row: Asked) -> str:
    return row.until


def share(daily: int, partition: int, partitions: int) -> int:
    """How many of a day's looks are a partition's: all shares together are the day's."""
    return daily // partitions + (partition < daily % partitions)


def read(answer: Mapping[str, Any], at: str) -> PhoneLine:
    """What an answer of Lookup v2 says of the line; what it does not say is null."""
    told = answer.get(_PACKAGE)
    package: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    return PhoneLine(
        at=at,
        type=_text(package, "type"),
        carrier=_text(package, "carrier_name"),
        mcc=_text(package, "mobile_country_code"),
        mnc=_text(package, "mobile_network_code"),
        error=code_of(package.get("error_code")),
    )


def code_of(told: Any) -> int | None:
    """An error's code; None for what is none, which no fact and no row could hold."""
    return told if type(told) is int and 0 < told < _NO_CODE else None


def _text(package: Mapping[str, Any], name: str) -> str | None:
    found = package.get(name)
    # What stands in a row is bounded, whoever wrote it; half of a pair of UTF-16 is no text.
    told = found[:_LONGEST].encode("utf-8", "replace").decode() if isinstance(found, str) else ""
    return told or None
