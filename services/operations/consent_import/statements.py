"""Rows into statements of consent. Pure: the same row is the same command, under the same id, whenever it is read."""

from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from typing import NamedTuple

import phonenumbers

from services.domain.clock import to_iso
from services.domain.consent import intake
from services.domain.consent.commands import ConsentAccepted, RecordConsent
from services.domain.identity import Place, raw_event_id
from services.operations.consent_import.table import Row

# The fields that a column may give, beside what the options say of every row.
FIELDS = ("address", "action", "given_at", "source", "sender", "messaging_service_sid", "ip", "user_agent", "proof")
_WHATSAPP = "whatsapp:"


class Asked(NamedTuple):
    """What the options say: of all rows, and how they are to be read. `columns`: field → the name of its column.

    `region`: the country of numbers without +. `zone`: that of times without one. `now`: ISO 8601 UTC.
    """

    tenant: str
    contact_secret: bytes
    columns: Mapping[str, str]
    now: str
    action: str | None = None
    source: str | None = None
    region: str | None = None
    zone: tzinfo | None = None


class Statement(NamedTuple):
    """A row that can be imported: the public command, and what intake will make of it."""

    number: int
    command: RecordConsent
    accepted: ConsentAccepted


class Faulty(NamedTuple):
    """A row that can't: all that is wrong with it. Values are not quoted."""

    number: int
    faults: tuple[str, ...]


def read(row: Row, asked: Asked) -> Statement | Faulty:
    """The statement that a row makes, or what is wrong with it."""
    faults: list[str] = []
    cells = {field: row.cells[name] for field, name in asked.columns.items() if name in row.cells}
    action = _action(cells.get("action") or asked.action or "", faults)
    address = _address(cells.get("address", ""), asked.region, faults)
    given_at = _given_at(cells.get("given_at", ""), action, asked, faults)
    if faults:
        return Faulty(row.number, tuple(faults))
    told = {name: cells.get(name) for name in FIELDS[3:]}
    told["source"] = told["source"] or asked.source
    command = RecordConsent(
        command_id=_command_id(asked.tenant, address, action, given_at, told),
        tenant=asked.tenant,
        address=address,
        action="opt_in" if action == "opt_in" else "opt_out",
        given_at=given_at,
        source=told["source"],
        sender=told["sender"],
        messaging_service_sid=told["messaging_service_sid"],
        ip=told["ip"],
        user_agent=told["user_agent"],
        proof=told["proof"],
    )
    # By the very rules that will judge it, so that what is imported is recorded.
    accepted = intake.accept(command, asked.contact_secret, asked.now, Place(0, row.number))
    return (
        Faulty(row.number, tuple(accepted)) if isinstance(accepted, list) else Statement(row.number, command, accepted)
    )


def _command_id(tenant: str, address: str, action: str, given_at: str | None, told: Mapping[str, str | None]) -> str:
    content = [address, action, given_at or "", *(f"{name}={value}" for name, value in sorted(told.items()) if value)]
    return f"import-{raw_event_id('consent_import', tenant, [part.encode() for part in content])}"


def _action(text: str, faults: list[str]) -> str:
    if text not in ("opt_in", "opt_out"):
        faults.append("action: opt_in or opt_out; where all rows say the same, give --action")
    return text


def _address(text: str, region: str | None, faults: list[str]) -> str:
    """The address with its country: a number that lost its plus may be another country's, and another person's."""
    if not text:
        faults.append("address: missing")
        return ""
    prefix = _WHATSAPP if text.lower().startswith(_WHATSAPP) else ""
    name = text[len(prefix) :].strip()
    if name.startswith("+") or "@" in name or any(letter.isalpha() for letter in name):
        return prefix + name
    if region is None:
        faults.append("address: a number without + and country code; write it so, or give --region")
        return ""
    try:
        number = phonenumbers.parse(name, region)
    except phonenumbers.NumberParseException:
        faults.append("address: not a phone number")
        return ""
    if not phonenumbers.is_valid_number(number):
        faults.append(f"address: no number of {region}; write it with + and its country code")
        return ""
    return prefix + phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _given_at(text: str, action: str, asked: Asked, faults: list[str]) -> str | None:
    """When it was said. Where only the day is known a yes counts from its beginning, a no from its end."""
    if not text:
        if action == "opt_in":
            faults.append("given_at: missing; a yes without its date would lift a later no")
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        faults.append("given_at: not ISO 8601; write it as 2026-02-21T18:22:11Z")
        return None
    if _is_day(text):
        moment = datetime.combine(moment.date(), time.min if action == "opt_in" else time.max)
    if moment.tzinfo is None:
        if asked.zone is None:
            faults.append("given_at: without a zone; give --timezone, such as Europe/Berlin or UTC")
            return None
        moment = moment.replace(tzinfo=asked.zone)
    given_at = to_iso(moment)
    if given_at > asked.now and not _is_day(text):
        faults.append("given_at: in the future")
    return min(given_at, asked.now)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
