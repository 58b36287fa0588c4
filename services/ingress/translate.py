"""Parameters into facts, purely. Nothing is refused here: what is missing is "", what is odd is kept."""

import re
from functools import lru_cache
from typing import NamedTuple

import msgspec

from services.domain.contact import contact_key
from services.domain.identity import raw_event_id
from services.domain.messages.callback import read_callback
from services.domain.messages.events import InboundReceived, Parameters, StatusReceived
from services.ingress.form import Pairs

# Twilio adds these when it calls the fallback URL; the message is the same one.
_FALLBACK_ONLY = frozenset({"ErrorCode", "ErrorUrl"})
# One person's facts come in groups. Bounded: 16 thousand people are some 5 MB.
_contact_key = lru_cache(maxsize=1 << 14)(contact_key)
_encoder = msgspec.msgpack.Encoder()
_WHATSAPP = "whatsapp:"
# Where WhatsApp names a person besides From: the phone without a plus, and the id that is a business' own.
_OTHER_NAMES = ("WaId", "ExternalUserId", "ExternalUserIdentifier")
_PHONE_OR_ID = re.compile(r"\+?[1-9][0-9]{6,14}|[A-Z]{2}\.[0-9A-Za-z]+")
_SIDS = ("MessageSid", "SmsSid", "SmsMessageSid")


class Arrival(NamedTuple):
    """What is known of a webhook besides its parameters. `received_at`: ISO 8601 UTC, milliseconds."""

    tenant: str
    contact_secret: bytes
    received_at: str
    idempotency_token: str | None


def inbound(arrival: Arrival, pairs: Pairs) -> InboundReceived:
    """A message to us. Its id is the same whether it came by the webhook or by the fallback."""
    raw, first = parameters(pairs)
    sender = first.get("From", "")
    contact = _contact_key(arrival.tenant, sender, arrival.contact_secret)
    content = _content([pair for pair in pairs if pair[0] not in _FALLBACK_ONLY])
    return InboundReceived(
        event_id=raw_event_id("twilio_inbound", arrival.tenant, content),
        tenant=arrival.tenant,
        received_at=arrival.received_at,
        contact=contact,
        linked=_linked(arrival, first, contact) if sender.startswith(_WHATSAPP) else None,
        account_sid=first.get("AccountSid", ""),
        message_sid=_message_sid(first),
        from_=sender,
        to=first.get("To", ""),
        body=first.get("Body", ""),
        num_media=_integer(first.get("NumMedia", "")) or 0,
        idempotency_token=arrival.idempotency_token,
        raw=raw,
    )


def status(arrival: Arrival, pairs: Pairs, query: Pairs) -> StatusReceived:
    """How far a message of ours is. `query` is that of the callback URL, which may carry our command."""
    raw, first = parameters(pairs)
    to = first.get("To", "")
    ours = read_callback(arrival.contact_secret, dict(query)) if query else None
    command_id, contact = ours or (None, _contact_key(arrival.tenant, to, arrival.contact_secret))
    return StatusReceived(
        event_id=raw_event_id("twilio_status", arrival.tenant, _content(pairs)),
        tenant=arrival.tenant,
        received_at=arrival.received_at,
        contact=contact,
        command_id=command_id,
        account_sid=first.get("AccountSid", ""),
        message_sid=_message_sid(first),
        message_status=(first.get("MessageStatus") or first.get("SmsStatus", "")).lower(),
        error_code=_integer(first.get("ErrorCode", "")),
        from_=first.get("From", ""),
        to=to,
        idempotency_token=arrival.idempotency_token,
        raw=raw,
    )


def _linked(arrival: Arrival, first: dict[str, str], contact: str) -> str | None:
    """The contact key of the other name that WhatsApp gives the same person: their phone, or their id."""
    for name in _OTHER_NAMES:
        value = first.get(name, "")
        if _PHONE_OR_ID.fullmatch(value):
            other = _contact_key(arrival.tenant, value, arrival.contact_secret)
            if other != contact:
                return other
    return None


def parameters(pairs: Pairs) -> tuple[Parameters, dict[str, str]]:
    """Name → value, or the values in the order sent where a name is repeated; and name → its first value."""
    single = dict(pairs)
    if len(single) == len(pairs):
        return dict(single), single
    gathered: dict[str, list[str]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    raw: Parameters = {name: values if len(values) > 1 else values[0] for name, values in gathered.items()}
    return raw, {name: values[0] for name, values in gathered.items()}


def _content(pairs: Pairs) -> tuple[bytes]:
    """What the event id is made of: every parameter, as often as it was sent, in whatever order.

    So a delivery in which a parameter stands twice has another id than the one without the second, although
    Twilio's signature fits both. MessagePack states lengths: no two contents are written alike, and each in one way.
    """
    return (_encoder.encode(sorted(pairs)),)


def _message_sid(first: dict[str, str]) -> str:
    return next((sid for name in _SIDS if (sid := first.get(name))), "")


def _integer(text: str) -> int | None:
    """A number of at most 18 digits, so that it fits the schema's long."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
