"""Intake: is a send command one that Twilio could carry out, and what is it exactly? Pure; all faults at once."""

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import phonenumbers

from services.domain.clock import later, parse, to_iso
from services.domain.contact import bare, canonical, contact_key
from services.domain.identity import raw_event_id
from services.domain.messages.commands import (
    Channel,
    CommandAccepted,
    Options,
    ResolutionAccepted,
    ResolveAmbiguous,
    SendMessage,
)

# Twilio's limits, from the Message resource.
MAX_BODY_CHARACTERS = 1600
MAX_MEDIA = 10
MAX_VALIDITY_SECONDS = 36_000
# Ours: no message costs that much or is tried that often, and what is larger may not fit where it is read.
MAX_PRICE = 1_000_000
MAX_ATTEMPT = 1_000_000

_COMMAND_ID = re.compile(r"[\x21-\x7e]{1,128}")
_MESSAGING_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_CONTENT = re.compile(r"HX[0-9a-fA-F]{32}")
_APPLICATION = re.compile(r"AP[0-9a-fA-F]{32}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
# With a letter: digits alone are a number that lost its plus.
_ALPHANUMERIC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}")
_BUSINESS_SCOPED = re.compile(r"[A-Z]{2}\.[0-9A-Za-z]+")
# phonenumbers reads a number out of any text, its letters as on a keypad: from `US.1415…` a stranger's.
_NO_NUMBER = re.compile(r"[^\W\d_]|[;,#=@*:]")
_WHATSAPP = "whatsapp:"
_MESSAGE = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_DIGEST = re.compile(r"[0-9a-f]{32}")
_MAX_NOTE = 1000


class Rules(NamedTuple):
    """What intake must know of a tenant. `lifetime` in seconds: how long a command lives that says nothing of it."""

    contact_secret: bytes
    lifetime: float
    default_region: str | None = None
    default_messaging_service: str | None = None
    messaging_service_by_country: Mapping[str, str] = {}


class _Recipient(NamedTuple):
    address: str
    country: str | None


def accept(command: SendMessage, rules: Rules, at: str, sequence: int) -> CommandAccepted | list[str]:
    """The normalised command, or all that is wrong with it, a sentence each.

    `at` is when it was written to the log, `sequence` its offset there: commands of one contact keep that order.
    """
    faults: list[str] = []
    channel = _channel(command, faults)
    recipient = _recipient(command, channel, rules, faults)
    sender = _sender(command, channel, faults)
    service = _service(command, recipient, rules, faults)
    not_after = _not_after(command, rules, at, faults)
    _content(command, faults)
    _ranges(command, faults)
    if faults:
        return faults
    contact = contact_key(command.tenant, recipient.address, rules.contact_secret)
    fingerprint = hashlib.sha256(msgspec.json.encode(command, order="sorted")).hexdigest()
    return CommandAccepted(
        event_id=raw_event_id(
            "send_accepted",
            command.tenant,
            # Where and when it was produced are content too: a command produced twice is two facts.
            (contact.encode(), command.command_id.encode(), fingerprint.encode(), at.encode(), b"%d" % sequence),
        ),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        sequence=sequence,
        not_after=not_after,
        fingerprint=fingerprint,
        channel=channel,
        country=recipient.country,
        to=f"{_WHATSAPP}{recipient.address}" if channel == "whatsapp" else recipient.address,
        from_=sender,
        messaging_service_sid=service,
        body=command.body or None,
        media_urls=command.media_urls,
        content_sid=command.content_sid,
        content_variables=command.content_variables,
        urgent=command.urgent,
        options=Options(**{name: getattr(command, name) for name in Options.__struct_fields__}),
    )


def resolve(command: ResolveAmbiguous, rules: Rules, at: str, sequence: int) -> ResolutionAccepted | list[str]:
    """The same for what a person found out about an ambiguous command."""
    faults: list[str] = []
    contact = _whom(command, rules, faults)
    if not _COMMAND_ID.fullmatch(command.command_id):
        faults.append("command_id: 1 to 128 visible ASCII characters")
    if command.outcome == "sent" and not _MESSAGE.fullmatch(command.message_sid or ""):
        faults.append("message_sid: SM or MM and 32 hex digits; it is the proof that the message was created")
    if not command.by.strip():
        faults.append("by: who found it out")
    if len(command.by) > _MAX_NOTE or len(command.note or "") > _MAX_NOTE:
        faults.append(f"by, note: more than {_MAX_NOTE} characters")
    if faults:
        return faults
    content = (contact.encode(), command.command_id.encode(), at.encode(), b"%d" % sequence)
    return ResolutionAccepted(
        event_id=raw_event_id("resolution_accepted", command.tenant, content),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        outcome=command.outcome,
        by=command.by,
        message_sid=command.message_sid if command.outcome == "sent" else None,
        note=command.note,
    )


def _whom(command: ResolveAmbiguous, rules: Rules, faults: list[str]) -> str:
    if (command.to is None) == (command.contact is None):
        faults.append("to, contact: give one of them")
    if command.contact is not None:
        prefix, _, digest = command.contact.rpartition("|")
        if prefix != command.tenant or not _DIGEST.fullmatch(digest):
            faults.append("contact: as the command's results give it, {tenant}| and 32 hex digits")
        return command.contact
    address = canonical(command.to or "")
    if command.to is not None and not (_E164.fullmatch(address) or _BUSINESS_SCOPED.fullmatch(address)):
        faults.append("to: the address that the command was for, in E.164 or as a business-scoped id")
    return contact_key(command.tenant, address, rules.contact_secret)


def _channel(command: SendMessage, faults: list[str]) -> Channel:
    named = _channels(command.to) | _channels(command.from_ or "") | {command.channel or ""} - {""}
    if named - {"sms", "mms", "whatsapp"}:
        faults.append("to, from: another channel is named than sms, mms and whatsapp")
    if "whatsapp" in named and named & {"sms", "mms"}:
        faults.append("channel: whatsapp and another one are named; leave one of them out")
    if "whatsapp" in named:
        return "whatsapp"
    return "mms" if command.media_urls or "mms" in named else "sms"


def _channels(address: str) -> set[str]:
    """The channels that an address names: `whatsapp:+1415…` → {whatsapp}."""
    prefix = address.strip().removesuffix(bare(address))
    return set(prefix.lower().replace(":", " ").split())


def _recipient(command: SendMessage, channel: Channel, rules: Rules, faults: list[str]) -> _Recipient:
    address = bare(command.to)
    if channel == "whatsapp" and _BUSINESS_SCOPED.fullmatch(address):
        # It begins with the person's country.
        return _Recipient(address, address[:2])
    try:
        if _NO_NUMBER.search(address):
            raise phonenumbers.NumberParseException(phonenumbers.NumberParseException.NOT_A_NUMBER, "other characters")
        number = phonenumbers.parse(address, rules.default_region)
    except phonenumbers.NumberParseException:
        faults.append("to: not a phone number; write it in E.164, such as +14155550123")
        return _Recipient("", None)
    # Not is_possible_number: it takes a number without its area code too.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        faults.append("to: no such phone number can exist; check its country code and length")
    country = phonenumbers.region_code_for_number(number)
    return _Recipient(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), country)


def _sender(command: SendMessage, channel: Channel, faults: list[str]) -> str | None:
    if command.from_ is None:
        return None
    sender = bare(command.from_)
    kinds = (_E164,) if channel == "whatsapp" else (_E164, _SHORT_CODE, _ALPHANUMERIC)
    if not any(kind.fullmatch(sender) for kind in kinds):
        faults.append("from: neither E.164, a short code nor an alphanumeric sender; WhatsApp sends from a number")
    return f"{_WHATSAPP}{sender}" if channel == "whatsapp" else sender


def _service(command: SendMessage, recipient: _Recipient, rules: Rules, faults: list[str]) -> str | None:
    service = command.messaging_service_sid
    if service is not None and command.from_ is not None:
        faults.append("from, messaging_service_sid: give one of them, not both")
    if service is None and command.from_ is None:
        service = (
            rules.messaging_service_by_country.get(recipient.country or "", rules.default_messaging_service or "")
            or None
        )
        if service is None:
            faults.append("from, messaging_service_sid: give one of them, or configure routing for the tenant")
    if service is not None and not _MESSAGING_SERVICE.fullmatch(service):
        faults.append("messaging_service_sid: must be MG and 32 hex digits")
    return service


def _not_after(command: SendMessage, rules: Rules, at: str, faults: list[str]) -> str:
    if command.not_after is None:
        return later(at, rules.lifetime)
    try:
        return to_iso(parse(command.not_after))
    except ValueError:
        faults.append("not_after: not ISO 8601 with a zone; write it as 2026-02-21T18:22:11Z")
        return at


def _content(command: SendMessage, faults: list[str]) -> None:
    if not _COMMAND_ID.fullmatch(command.command_id):
        faults.append("command_id: 1 to 128 visible ASCII characters")
    if not (command.body or command.media_urls or command.content_sid):
        faults.append("body, media_urls, content_sid: give at least one of them")
    if command.body and len(command.body) > MAX_BODY_CHARACTERS:
        faults.append(f"body: {len(command.body)} characters; Twilio takes {MAX_BODY_CHARACTERS}")
    if len(command.media_urls) > MAX_MEDIA:
        faults.append(f"media_urls: {len(command.media_urls)}; Twilio takes {MAX_MEDIA}")
    if any(not url.lower().startswith(("https://", "http://")) for url in command.media_urls):
        faults.append("media_urls: each must be a public https URL")
    if command.content_sid is not None and not _CONTENT.fullmatch(command.content_sid):
        faults.append("content_sid: must be HX and 32 hex digits")
    if command.content_variables and command.content_sid is None:
        faults.append("content_variables: they need a content_sid")


def _ranges(command: SendMessage, faults: list[str]) -> None:
    if command.validity_period is not None and not 1 <= command.validity_period <= MAX_VALIDITY_SECONDS:
        faults.append(f"validity_period: 1 to {MAX_VALIDITY_SECONDS} seconds")
    if command.max_price is not None and not 0 < command.max_price <= MAX_PRICE:
        faults.append(f"max_price: more than 0, at most {MAX_PRICE}")
    if command.attempt is not None and not 1 <= command.attempt <= MAX_ATTEMPT:
        faults.append(f"attempt: 1 to {MAX_ATTEMPT}")
    if command.application_sid is not None and not _APPLICATION.fullmatch(command.application_sid):
        faults.append("application_sid: must be AP and 32 hex digits")
