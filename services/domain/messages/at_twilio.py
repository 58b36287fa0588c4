"""A message as Twilio lists it, and the fact that this is on our log. Pure: no clock, no I/O."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from services.domain.addresses import judge
from services.domain.clock import to_iso
from services.domain.contact import contact_key
from services.domain.identity import raw_event_id
from services.domain.messages.events import Parameters, StatusReceived
from services.domain.messages.ladder import RANK

_DIGITS = 10


class MessageAtTwilio(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A message as Twilio lists it. `at`: when it was sent, else created; ISO 8601 UTC. `body` of inbound ones only.

    `price`: as Twilio writes it; empty until it has one.
    """

    sid: str
    account_sid: str
    inbound: bool
    at: str
    status: str
    from_: str = ""
    to: str = ""
    body: str = ""
    num_media: int = 0
    num_segments: str = ""
    messaging_service_sid: str = ""
    error_code: int | None = None
    error_message: str = ""
    price: str = ""
    price_unit: str = ""


def read(resource: Mapping[str, Any]) -> MessageAtTwilio | None:
    """Of the JSON of a message; None for what has no id or no date, which is no message of Twilio's."""
    at = _date(resource.get("date_sent")) or _date(resource.get("date_created"))
    sid = _text(resource, "sid")
    if not sid or at is None:
        return None
    inbound = resource.get("direction") == "inbound"
    return MessageAtTwilio(
        sid=sid,
        account_sid=_text(resource, "account_sid"),
        inbound=inbound,
        at=at,
        status=_text(resource, "status").lower(),
        from_=_text(resource, "from"),
        to=_text(resource, "to"),
        body=_text(resource, "body") if inbound else "",
        num_media=number(resource.get("num_media")) or 0,
        num_segments=_text(resource, "num_segments"),
        messaging_service_sid=_text(resource, "messaging_service_sid"),
        error_code=number(resource.get("error_code")),
        error_message=_text(resource, "error_message"),
        price=_text(resource, "price"),
        price_unit=_text(resource, "price_unit"),
    )


def is_masked(address: str) -> bool:
    """With message redaction a list shows no whole address: nothing may be derived from what it shows."""
    return judge(address).kind == "masked"


def furtherance(status: str) -> int:
    """Nothing at all, then what Twilio invented since, then what is known, as the delivery fold ranks them."""
    return RANK.get(status, 0) if status else -1


def status_fact(tenant: str, contact_secret: bytes, message: MessageAtTwilio, now: str) -> StatusReceived:
    """How far a message of ours is, as a fact. Its id depends on what it states alone, so it is one fact each time."""
    # What is masked is not known: the log knows whom it created the message for.
    to = "" if is_masked(message.to) else message.to
    told = {
        "MessageStatus": message.status,
        "ErrorCode": "" if message.error_code is None else str(message.error_code),
        "ErrorMessage": message.error_message,
    }
    return StatusReceived(
        event_id=raw_event_id("twilio_status_backfill", tenant, (message.sid.encode(), message.status.encode())),
        tenant=tenant,
        received_at=now,
        contact=contact_key(tenant, to, contact_secret) if to else None,
        account_sid=message.account_sid,
        message_sid=message.sid,
        message_status=message.status,
        error_code=message.error_code,
        from_=message.from_,
        to=to,
        provenance="backfill",
        raw=parameters(message) | {name: value for name, value in told.items() if value},
    )


def parameters(message: MessageAtTwilio) -> Parameters:
    """What the list gives of both directions, under the names that webhooks use."""
    named = {
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": message.from_,
        "To": message.to,
        "NumSegments": message.num_segments if message.inbound else "",
        "MessagingServiceSid": message.messaging_service_sid,
    }
    return {name: value for name, value in named.items() if value}


def _date(given: Any) -> str | None:
    """`Fri, 24 May 2019 17:44:46 +0000`, as Twilio writes times."""
    try:
        return to_iso(parsedate_to_datetime(given)) if given else None
    except (ValueError, TypeError):
        return None


def _text(resource: Mapping[str, Any], name: str) -> str:
    return str(resource.get(name) or "")


def number(given: Any) -> int | None:
    """A count or a code, as Twilio writes it."""
    text = str(given)
    # No count and no code of Twilio's is longer, and the log's numbers have an end.
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None
