"""What Twilio charged for messages of ours: its price comes some time after the message, and is fetched.

The state is a join of what was told, so any order and repetition give the same one. A price is stated once: the row
remembers it for as long as facts of the message may be read again.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from services.domain.addresses import judge
from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import raw_event_id
from services.domain.messages.at_twilio import MessageAtTwilio, is_masked
from services.domain.messages.channel import channel_of
from services.domain.messages.events import MessageSent, StatusReceived
from services.domain.messages.ladder import FINAL
from services.domain.spend.prices import amount_of

# Facts of a message stand on the log for 30 days.
_KEPT_S = 32 * 86_400.0
# After each look that found no price: the wait for the next one. Twilio takes a day for some. After the last: never.
AGAIN_S = (3600.0, 21_600.0, 86_400.0, 172_800.0, 345_600.0)
# Of what nobody has told an end: it may have been sent all the same.
OPEN_S = 86_400.0
# After looks that failed, from the first on, doubled up to the longest.
_FAILED_S, _LONGEST_S = 60.0, 3600.0
# Digits of a number of segments.
_LONGEST = 9


class CostStated(msgspec.Struct, frozen=True, kw_only=True):
    """What Twilio charged for a message of ours, once for each (`twilio.costs.v1`, keyed by MessageSid).

    `at`: when it was read; `sent_at`: when Twilio sent the message. `channel`: sms, mms, whatsapp, rcs …; `country` of
    the recipient, empty where it is not known. `template`: the name that the command gave, or the content sid. `price`:
    what was charged, of all its segments and with what networks charge; less than nothing: given back. `provenance`:
    what told it, Twilio's list of messages or the message itself.
    """

    event_type: Literal["cost_stated"] = "cost_stated"
    event_id: str
    tenant: str
    at: str
    sent_at: str
    message_sid: str
    account_sid: str
    command_id: str | None = None
    country: str
    channel: str
    label: str | None = None
    template: str | None = None
    segments: int | None = None
    price: Decimal
    currency: str
    provenance: Literal["list", "message"]


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one message, until it has a price and after. Key: `{MessageSid} {tenant}`.

    `since`, `heard_at`: the first and the latest arrival of what was told. `looks`: those that found no price;
    `failed`: those that came to no answer, since the last that did. `told`: the price is stated.
    """

    tenant: str
    message_sid: str
    account_sid: str
    since: str
    heard_at: str
    ended: bool = False
    command_id: str = ""
    country: str = ""
    channel: str = ""
    label: str = ""
    template: str = ""
    looks: int = 0
    failed: int = 0
    again_at: str | None = None
    told: bool = False


class CostLooked(msgspec.Struct, frozen=True, kw_only=True):
    """A look at Twilio for one message's price. `found`: the message; None: Twilio has none."""

    tenant: str
    message_sid: str
    at: str
    found: MessageAtTwilio | None
    provenance: Literal["list", "message"]


class CostUnread(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio gave no answer for one message that could be used."""

    tenant: str
    message_sid: str
    at: str


FACTS = (StatusReceived, MessageSent, CostLooked, CostUnread)
Fact = StatusReceived | MessageSent | CostLooked | CostUnread


def row_key(event: Any) -> str:
    """Each tenant has a row of its own."""
    return f"{event.message_sid} {event.tenant}"


def fold(state: Bill | None, event: Fact | Due) -> tuple[Bill | None, Sequence[CostStated]]:
    """Join one fact; a look states the price once there is one."""
    match event:
        case Due():
            return None, ()
        case CostLooked():
            return (state, ()) if state is None or state.told else _looked(state, event)
        case CostUnread():
            return (state if state is None or state.told else _unread(state, event)), ()
        case _ if not event.message_sid:
            # The fold beside this one makes the letter of it.
            return state, ()
        case MessageSent():
            return _join(state, _of_sent(event)), ()
        case StatusReceived():
            return _join(state, _of_status(event)), ()


def _looked(state: Bill, event: CostLooked) -> tuple[Bill, Sequence[CostStated]]:
    found, price = event.found, price_of(event.found)
    if found is None or price is None:
        looks = state.looks + 1
        again_at = later(event.at, AGAIN_S[looks - 1]) if looks <= len(AGAIN_S) else None
        return replace(state, looks=looks, failed=0, again_at=again_at), ()
    stated = CostStated(
        event_id=raw_event_id("cost_stated", state.tenant, (state.message_sid.encode(),)),
        tenant=state.tenant,
        at=event.at,
        sent_at=found.at,
        message_sid=state.message_sid,
        account_sid=found.account_sid or state.account_sid,
        command_id=state.command_id or None,
        country=state.country or ("" if is_masked(found.to) else judge(found.to).country or ""),
        channel=_channel(found) or state.channel,
        label=state.label or None,
        template=state.template or None,
        # Nought: it had no sender yet when it was counted.
        segments=int(found.num_segments) or None if _is_number(found.num_segments) else None,
        price=price,
        currency=found.price_unit.upper()[:3],
        provenance=event.provenance,
    )
    return replace(state, told=True, failed=0, again_at=None), (stated,)


def price_of(found: MessageAtTwilio | None) -> Decimal | None:
    """What was charged. Twilio writes it as what it takes off the balance: `-0.0075`."""
    price = amount_of(found.price) if found is not None and found.price_unit else None
    return None if price is None else -price


def _unread(state: Bill, event: CostUnread) -> Bill:
    wait_s = min(_FAILED_S * 2 ** min(state.failed, 10), _LONGEST_S)
    return replace(state, failed=state.failed + 1, again_at=later(event.at, wait_s))


def _of_sent(event: MessageSent) -> Bill:
    return Bill(
        tenant=event.tenant,
        message_sid=event.message_sid,
        account_sid=event.account_sid,
        since=event.sent_at,
        heard_at=event.sent_at,
        ended=event.message_status in FINAL,
        command_id=event.command_id,
        country=event.country or "",
        channel=channel_of(event.from_) or channel_of(event.to),
        label=event.label or "",
        template=event.template or "",
    )


def _of_status(event: StatusReceived) -> Bill:
    return Bill(
        tenant=event.tenant,
        message_sid=event.message_sid,
        account_sid=event.account_sid,
        since=event.received_at,
        heard_at=event.received_at,
        ended=event.message_status in FINAL,
        command_id=event.command_id or "",
        channel=channel_of(event.from_) or channel_of(event.to),
    )


_TEXTS = ("account_sid", "command_id", "country", "channel", "label", "template")


def _join(state: Bill | None, told: Bill) -> Bill:
    if state is None:
        return told
    # Facts about one message agree wherever they speak; the greater is a choice that no order can change.
    texts = {name: max(getattr(state, name), getattr(told, name)) for name in _TEXTS}
    if told.ended and not state.ended and not state.told:
        # Looks at what had not ended tell nothing of the price that it has then: they begin anew.
        state = replace(state, looks=0, failed=0, again_at=None)
    return replace(
        state,
        **texts,
        since=min(state.since, told.since),
        heard_at=max(state.heard_at, told.heard_at),
        ended=state.ended or told.ended,
    )


def due(row: Bill) -> str:
    """When a row is forgotten."""
    return later(row.heard_at, _KEPT_S)


def fresh(tenant: str, account: str) -> str:
    """What begins the names of ended messages of this account that nobody has looked at: by their latest word."""
    return f"{tenant} {account} ended "


def unended(tenant: str, account: str) -> str:
    """The same, of those whose end nobody has told."""
    return f"{tenant} {account} open "


def again(tenant: str, account: str) -> str:
    """What begins the names of those that are looked at again: by when."""
    return f"{tenant} {account} again "


def lists(row: Bill) -> tuple[str, ...]:
    """Under its tenant and account first. What has its price, or was given up, is under no name."""
    if row.told:
        return ()
    if row.again_at:
        return (f"{again(row.tenant, row.account_sid)}{row.again_at}",)
    if row.looks:
        return ()
    prefix = fresh if row.ended else unended
    return (f"{prefix(row.tenant, row.account_sid)}{row.heard_at}",)


def _channel(found: MessageAtTwilio) -> str:
    channel = channel_of(found.from_) or channel_of(found.to)
    return "mms" if channel == "sms" and found.num_media else channel


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONGEST
