"""Parameters into facts, purely. Nothing is refused here: what is missing is "", what is odd is kept."""

from functools import lru_cache
from typing import NamedTuple, cast

import msgspec

from services.domain.addresses import kind
from services.domain.consent.hearing import Heard, Message, hear
from services.domain.consent.keywords import NO_WORDS, Words
from services.domain.contact import bare, contact_key, parts
from services.domain.identity import raw_event_id
from services.domain.messages.callback import read_callback
from services.domain.messages.events import InboundReceived, Parameters, StatusReceived
from services.ingress.messages.vouching import vouched
from services.ingress.parameters import Pairs

# Twilio adds these when it calls the fallback URL; the message is the same one.
_FALLBACK_ONLY = frozenset({"ErrorCode", "ErrorUrl"})
# One person's facts come in groups. Bounded: 16 thousand people are some 5 MB.
_contact_key = lru_cache(maxsize=1 << 14)(contact_key)
_encoder = msgspec.msgpack.Encoder()
_WHATSAPP = "whatsapp"
# Where WhatsApp names a person besides From: the phone without a plus, the id that is a business' own, and that of all
# businesses of one owner.
_OTHER_NAMES = (
    "WaId",
    "ExternalUserId",
    "ExternalUserIdentifier",
    "ParentExternalUserId",
    "ParentExternalUserIdentifier",
)


class Arrival(NamedTuple):
    """What is known of a webhook besides its parameters. `received_at`: ISO 8601 UTC, milliseconds.

    `words`: what the tenant's people say for stop and start. `known`: parameters that Twilio has added. `signers`: the
    keys that may have signed our callback URLs.
    """

    tenant: str
    contact_secret: bytes
    received_at: str
    idempotency_token: str | None
    words: Words = NO_WORDS
    known: frozenset[str] = frozenset()
    signers: tuple[bytes, ...] = ()


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
        linked=_linked(arrival, first, contact) if _WHATSAPP in parts(sender).channels else [],
        heard=_heard(arrival, first, pairs),
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
    ours = read_callback(arrival.signers, dict(query)) if query else None
    if ours and ours[1].rpartition("|")[0] != arrival.tenant:
        # Two tenants may have one secret by mistake.
        ours = None
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
        error_code=_code(first.get("ErrorCode", "")),
        from_=first.get("From", ""),
        to=to,
        idempotency_token=arrival.idempotency_token,
        raw=raw,
    )


def _linked(arrival: Arrival, first: dict[str, str], contact: str) -> list[str]:
    """The contact keys of the other names that WhatsApp gives the same person: their phone, their ids."""
    names = [bare(first.get(name, "")) for name in _OTHER_NAMES]
    keys = [
        _contact_key(arrival.tenant, name, arrival.contact_secret)
        for name in names
        if kind(f"{_WHATSAPP}:{name}") in ("phone", "scoped_id")
    ]
    return [key for key in dict.fromkeys(keys) if key != contact]


def _heard(arrival: Arrival, first: dict[str, str], pairs: Pairs) -> Heard | None:
    """What it says of consent. A *yes* is none where the form may be another's, cut anew."""
    heard = hear(message_of(first), arrival.words)
    return None if heard and heard.says == "start" and not vouched(pairs, arrival.known) else heard


def message_of(first: dict[str, str]) -> Message:
    """What of a webhook may say something about consent."""
    return Message(
        to=first.get("To", ""),
        body=first.get("Body", ""),
        opt_out_type=first.get("OptOutType", ""),
        button_payload=first.get("ButtonPayload", ""),
        button_text=first.get("ButtonText", ""),
        list_id=first.get("ListId", ""),
        list_title=first.get("ListTitle", ""),
    )


def parameters(pairs: Pairs) -> tuple[Parameters, dict[str, str]]:
    """Name → value, or the values in the order sent where a name is repeated; and name → its first value."""
    single = dict(pairs)
    if len(single) == len(pairs):
        return cast(Parameters, single), single
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
    return first.get("MessageSid") or first.get("SmsSid") or first.get("SmsMessageSid", "")


def _code(text: str) -> int | None:
    """An error code; none for "", "0", "None" and what else is no number. A bare plus comes out of forms as a blank."""
    return _integer(text.strip().removeprefix("+")) or None


def _integer(text: str) -> int | None:
    """A number of at most 18 digits, so that it fits the schema's long."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
