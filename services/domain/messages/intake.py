"""Intake: is a send command one that Twilio could carry out, and what is it exactly? Pure; all faults at once."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from services.domain.addresses import Address, judge, our_sender
from services.domain.clock import later, parse, to_iso
from services.domain.contact import bare, contact_key, parts
from services.domain.identity import Place, raw_event_id
from services.domain.messages.commands import (
    CancelMessage,
    Channel,
    CommandAccepted,
    Options,
    Purpose,
    ResolveAmbiguous,
    SendMessage,
)
from services.domain.messages.content import faults_of_content
from services.domain.messages.routing import Asked, Route, choose, is_service
from services.domain.messages.segments import segments
from services.domain.messages.smart_encoding import smart_encoded
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted
from services.domain.public_url import as_uri
from services.domain.recipients import recipient
from services.domain.sids import COMMAND_ID, MESSAGE, MESSAGING_SERVICE

# Twilio's limits, from the Message resource.
MAX_VALIDITY_SECONDS = 36_000
# As far ahead as Twilio itself schedules messages.
MAX_AHEAD_DAYS = 35
# Ours: no message costs that much or is tried that often, and what is larger may not fit where it is read.
MAX_PRICE = 1_000_000
MAX_ATTEMPT = 1_000_000

_ID_RULE = "1 to 128 visible ASCII characters"
_APPLICATION = re.compile(r"AP[0-9a-fA-F]{32}")
_WHATSAPP = "whatsapp:"
_CHANNELS = frozenset({"sms", "mms", "whatsapp"})
_DIGEST = re.compile(r"[0-9a-f]{32}")
_MAX_NOTE = 1000
_LABEL = re.compile(r"[\x21-\x7e]{1,64}")


class _Times(NamedTuple):
    not_before: str | None
    not_after: str


class Rules(NamedTuple):
    """What intake must know of a tenant. `lifetime` in seconds: how long a command lives that says nothing of it.

    `producer_keys`: by id, what its producers sign with. `signed`: a command that nobody signed is not believed.
    """

    contact_secret: bytes
    lifetime: float
    default_region: str | None = None
    default_messaging_service: str | None = None
    routes: tuple[Route, ...] = ()
    producer_keys: Mapping[str, bytes] = {}
    signed: bool = False


def accept(
    command: SendMessage, rules: Rules, at: str, place: Place, since: str | None = None
) -> CommandAccepted | list[str]:
    """The normalised command, or all that is wrong with it, a sentence each.

    `at` is when it was written to the log, `place` where there: commands of one contact keep that order. It
    lives as one that was produced at `since`, where that is earlier.
    """
    faults: list[str] = []
    channel = _channel(command, faults)
    whom = _recipient(command, channel, rules, faults)
    named = _routed(command, channel, whom, rules)
    sender = _sender(named, channel, faults)
    service = _service(named, faults)
    times = _times(command, rules, at, since or at, faults)
    if not COMMAND_ID.fullmatch(command.command_id):
        faults.append(f"command_id: {_ID_RULE}")
    faults.extend(faults_of_content(command, channel))
    if command.send_as_mms and channel == "whatsapp":
        faults.append("send_as_mms: this goes by WhatsApp; leave it out")
    if command.label is not None and not _LABEL.fullmatch(command.label):
        faults.append("label: 1 to 64 visible ASCII characters")
    _ranges(command, faults)
    if faults:
        return faults
    contact = contact_key(command.tenant, whom.name, rules.contact_secret)
    fingerprint = _fingerprint(command)
    return CommandAccepted(
        event_id=_event_id("send_accepted", command, contact, at, place),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        sequence=place.offset,
        not_before=times.not_before,
        not_after=times.not_after,
        fingerprint=fingerprint,
        channel=channel,
        country=whom.country,
        to=f"{_WHATSAPP}{whom.name}" if channel == "whatsapp" else whom.name,
        from_=sender,
        messaging_service_sid=service,
        body=command.body or None,
        media_urls=[as_uri(url) for url in command.media_urls],
        content_sid=command.content_sid,
        content_variables=command.content_variables,
        urgent=command.urgent,
        **_segments(command, channel),
        label=command.label,
        purpose=_purpose(command),
        template=command.template,
        purpose_said=command.purpose is not None,
        options=Options(**{name: getattr(command, name) for name in Options.__struct_fields__}),
    )


def _purpose(command: SendMessage) -> Purpose:
    """As far as the command itself tells it: its template is looked up when it is to be sent."""
    return command.purpose or ("marketing" if command.content_sid or command.template else "utility")


def _segments(command: SendMessage, channel: Channel) -> dict[str, Any]:
    """Other channels have no segments."""
    if channel != "sms" or not command.body:
        return {}
    return segments(smart_encoded(command.body) if command.smart_encoded else command.body)._asdict()


def resolve(command: ResolveAmbiguous, rules: Rules, at: str, place: Place) -> ResolutionAccepted | list[str]:
    """The same for what a person found out about an ambiguous command."""
    faults: list[str] = []
    contact = _whom(command, rules, faults)
    if command.outcome == "sent" and not MESSAGE.fullmatch(command.message_sid or ""):
        faults.append("message_sid: SM or MM and 32 hex digits; it is the proof that the message was created")
    _said_by(command, faults)
    if faults:
        return faults
    return ResolutionAccepted(
        event_id=_event_id("resolution_accepted", command, contact, at, place),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        outcome=command.outcome,
        by=command.by,
        sid=command.message_sid if command.outcome == "sent" else None,
        note=command.note,
    )


def cancel(command: CancelMessage, rules: Rules, at: str, place: Place) -> CancelAccepted | list[str]:
    """The same for the wish that a command be not sent."""
    faults: list[str] = []
    contact = _whom(command, rules, faults)
    _said_by(command, faults)
    if faults:
        return faults
    return CancelAccepted(
        event_id=_event_id("cancel_accepted", command, contact, at, place),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        by=command.by,
        note=command.note,
    )


def _fingerprint(command: SendMessage | ResolveAmbiguous | CancelMessage) -> str:
    # A send's fields that say nothing are not in it: that a later release knows more of them changes no command's.
    return hashlib.sha256(msgspec.json.encode(command, order="sorted")).hexdigest()


def _event_id(
    kind: str, command: SendMessage | ResolveAmbiguous | CancelMessage, contact: str, at: str, place: Place
) -> str:
    """Where and when it was produced are content too: a command produced twice is two facts."""
    said = (contact, command.command_id, _fingerprint(command), at, "{}@{}".format(*place))
    return raw_event_id(kind, command.tenant, [one.encode() for one in said])


def _said_by(command: ResolveAmbiguous | CancelMessage, faults: list[str]) -> None:
    if not COMMAND_ID.fullmatch(command.command_id):
        faults.append(f"command_id: {_ID_RULE}")
    if not command.by.strip():
        faults.append("by: who says it")
    if len(command.by) > _MAX_NOTE or len(command.note or "") > _MAX_NOTE:
        faults.append(f"by, note: more than {_MAX_NOTE} characters")


def _whom(command: ResolveAmbiguous | CancelMessage, rules: Rules, faults: list[str]) -> str:
    if (command.to is None) == (command.contact is None):
        faults.append("to, contact: give one of them")
    if command.contact is not None:
        prefix, _, digest = command.contact.rpartition("|")
        if prefix != command.tenant or not _DIGEST.fullmatch(digest):
            faults.append("contact: as the command's results give it, {tenant}| and 32 hex digits")
        return command.contact
    address = command.to or ""
    if command.to is not None and judge(address).kind not in ("phone", "scoped_id"):
        faults.append("to: the address that the command was for, in E.164 or as a business-scoped id")
    return contact_key(command.tenant, address, rules.contact_secret)


def _channel(command: SendMessage, faults: list[str]) -> Channel:
    to, sender = parts(command.to).channels, parts(command.from_ or "").channels
    named = {*to, *sender, command.channel}
    # An id of another channel is no recipient at all, which is said of `to`.
    if {*sender, *(to if judge(command.to).kind == "phone" else ())} - _CHANNELS:
        faults.append("to, from: another channel is named than sms, mms and whatsapp")
    if "whatsapp" in named and named & {"sms", "mms"}:
        faults.append("channel: whatsapp and another one are named; leave one of them out")
    if "whatsapp" in named:
        return "whatsapp"
    return "mms" if command.media_urls or command.send_as_mms or "mms" in named else "sms"


def _recipient(command: SendMessage, channel: Channel, rules: Rules, faults: list[str]) -> Address:
    found = recipient(command.to, channel == "whatsapp", rules.default_region)
    if isinstance(found, Address):
        return found
    faults.append(f"to: {found}")
    return judge("")


def _sender(command: SendMessage, channel: Channel, faults: list[str]) -> str | None:
    if command.from_ is None:
        return None
    if MESSAGING_SERVICE.fullmatch(bare(command.from_)):
        faults.append("from: this is a Messaging Service; name it in messaging_service_sid")
        return None
    sender = our_sender(command.from_, channel == "whatsapp")
    if sender is None:
        faults.append("from: neither E.164, a short code nor an alphanumeric sender; WhatsApp sends from a number")
        return None
    return f"{_WHATSAPP}{sender}" if channel == "whatsapp" else sender


def _routed(command: SendMessage, channel: Channel, whom: Address, rules: Rules) -> SendMessage:
    """The command, with a sender where its producer names none and a route has one."""
    if command.from_ is not None or command.messaging_service_sid is not None:
        return command
    found = rules.default_messaging_service
    if rules.routes:
        contact = contact_key(command.tenant, whom.name, rules.contact_secret)
        asked = Asked(whom.name, contact, whom.country, channel, command.label, _purpose(command))
        found = choose(rules.routes, asked) or found
    if found is None:
        return command
    return replace(command, messaging_service_sid=found) if is_service(found) else replace(command, from_=found)


def _service(command: SendMessage, faults: list[str]) -> str | None:
    service = command.messaging_service_sid
    if service is None and command.from_ is None:
        faults.append("from, messaging_service_sid: give one of them, or configure routing for the tenant")
    if service is not None and not MESSAGING_SERVICE.fullmatch(service):
        faults.append("messaging_service_sid: must be MG and 32 hex digits")
    if service is None and command.shorten_urls:
        faults.append("shorten_urls: Twilio shortens links for Messaging Services alone; name one")
    return service


def _times(command: SendMessage, rules: Rules, at: str, since: str, faults: list[str]) -> _Times:
    """From when on it may be sent, None for now, and until when."""
    not_before = _time("not_before", command.not_before, faults)
    not_after = _time("not_after", command.not_after, faults)
    if not_before is not None and not_before > later(at, MAX_AHEAD_DAYS * 86_400):
        faults.append(f"not_before: more than {MAX_AHEAD_DAYS} days ahead; produce it nearer to its time")
    if not_after is not None and not_after > later(at, (MAX_AHEAD_DAYS + 1) * 86_400):
        faults.append(
            f"not_after: more than {MAX_AHEAD_DAYS + 1} days ahead, those of not_before and one to send it in; "
            "give an earlier one, or produce it nearer to its time"
        )
    if not_before is not None and not_after is not None and not_after <= not_before:
        faults.append("not_after: not later than not_before, which leaves no time to send it in")
    not_before = not_before if not_before is not None and not_before > at else None
    return _Times(not_before, not_after or later(not_before or since, rules.lifetime))


def _time(name: str, said: str | None, faults: list[str]) -> str | None:
    try:
        return None if said is None else to_iso(parse(said))
    except ValueError:
        faults.append(f"{name}: not ISO 8601 with a zone; write it as 2026-02-21T18:22:11Z")
        return None


def _ranges(command: SendMessage, faults: list[str]) -> None:
    if command.validity_period is not None and not 1 <= command.validity_period <= MAX_VALIDITY_SECONDS:
        faults.append(f"validity_period: 1 to {MAX_VALIDITY_SECONDS} seconds")
    if command.max_price is not None and not 0 < command.max_price <= MAX_PRICE:
        faults.append(f"max_price: more than 0, at most {MAX_PRICE}")
    if command.attempt is not None and not 1 <= command.attempt <= MAX_ATTEMPT:
        faults.append(f"attempt: 1 to {MAX_ATTEMPT}")
    if command.application_sid is not None and not _APPLICATION.fullmatch(command.application_sid):
        faults.append("application_sid: must be AP and 32 hex digits")
