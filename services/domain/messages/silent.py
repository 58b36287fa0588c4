"""Messages of ours whose end nobody has told: what is awaited of each, and what a look at Twilio came to.

The state is a join of what was told (the furthest status, the latest arrival), so any order and repetition give the
same one. Limits are settings, and are read where it is asked who is silent: a row is listed by its latest word.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.messages.at_twilio import furtherance
from services.domain.messages.channel import channel_of
from services.domain.messages.events import MessageSent, StatusReceived
from services.domain.messages.ladder import FINAL

Channel = Literal["sms", "whatsapp", "rcs", "messenger", "other"]
CHANNELS: tuple[Channel, ...] = ("sms", "whatsapp", "rcs", "messenger", "other")

# An ended message is remembered for callbacks that overtook each other: one that is behind opens nothing again.
_ENDED_S = 86_400.0
# What nobody has ended by then is left to the daily reconciliation.
_OPEN_S = 8 * 86_400.0
# Twilio sends nothing on a scheduled message before its time, which is 35 days away at the most.
_SCHEDULED_S = 36 * 86_400.0
# After each look that found no end: the wait for the next one. After the last a message is looked for no more.
AGAIN_S = (600.0, 1800.0, 7200.0, 21_600.0, 86_400.0, 172_800.0)
# Lists lag; what Twilio does not know then was deleted, or is not this account's.
_MISSED = 3
# After looks that failed, from the first on, doubled up to the longest.
_FAILED_S, _LONGEST_S = 60.0, 3600.0


class Silent(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What is awaited of one message. Key: `{MessageSid} {tenant}`.

    `since`, `heard_at`: the first and the latest arrival of what was told. `failed`: looks that came to no answer,
    since the last that did. `again_at`: when it is looked for again; None after a look: never.
    """

    tenant: str
    message_sid: str
    account_sid: str
    status: str
    since: str
    heard_at: str
    from_: str = ""
    to_channel: str = ""
    looks: int = 0
    missed: int = 0
    failed: int = 0
    again_at: str | None = None

    @property
    def ended(self) -> bool:
        return self.status in FINAL

    @property
    def channel(self) -> Channel:
        named = channel_of(self.from_) or self.to_channel
        return next((channel for channel in CHANNELS if channel == named), "other")


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """A look at Twilio for one message. `found`: how far it is there; None: Twilio has no such message."""

    tenant: str
    message_sid: str
    at: str
    found: StatusReceived | None


class LookFailed(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio gave no answer for one message that could be used."""

    tenant: str
    message_sid: str
    at: str


# What is joined: told by Twilio's answers, callbacks and lists, and by our own looks.
FACTS = (StatusReceived, MessageSent, Looked, LookFailed)


def row_key(event: StatusReceived | MessageSent | Looked | LookFailed | Silent) -> str:
    """Each tenant has a row of its own: a stranger's word on a message ends nobody's waiting but his own."""
    return f"{event.message_sid} {event.tenant}"


def fold(
    state: Silent | None, event: StatusReceived | MessageSent | Looked | LookFailed | Due
) -> tuple[Silent | None, Sequence[StatusReceived]]:
    """Join one fact. A look emits what it found where that is further than what is known.

    Raises ValueError for a fact that names no message.
    """
    match event:
        case Due():
            return None, ()
        case Looked():
            return (state, ()) if state is None or state.ended else _looked(state, event)
        case LookFailed():
            return (state if state is None or state.ended else _failed(state, event)), ()
        case _ if not event.message_sid:
            raise ValueError("the callback names no MessageSid")
        case MessageSent():
            return _join(state, event, event.sent_at), ()
        case StatusReceived():
            return _join(state, event, event.received_at), ()


def _looked(state: Silent, event: Looked) -> tuple[Silent, Sequence[StatusReceived]]:
    found = event.found
    looks, missed = state.looks + 1, state.missed + (found is None)
    more = looks <= len(AGAIN_S) and missed < _MISSED
    again_at = later(event.at, AGAIN_S[looks - 1]) if more else None
    known = replace(state, looks=looks, missed=missed, failed=0, again_at=again_at)
    if found is None or furtherance(found.message_status) <= furtherance(state.status):
        return known, ()
    return _join(known, found, found.received_at), (found,)


def _failed(state: Silent, event: LookFailed) -> Silent:
    wait_s = min(_FAILED_S * 2 ** min(state.failed, 10), _LONGEST_S)
    return replace(state, failed=state.failed + 1, again_at=later(event.at, wait_s))


def _join(state: Silent | None, event: StatusReceived | MessageSent, at: str) -> Silent:
    told = Silent(
        tenant=event.tenant,
        message_sid=event.message_sid,
        account_sid=event.account_sid,
        status=event.message_status or "unknown",
        since=at,
        heard_at=at,
        from_=event.from_,
        to_channel=channel_of(event.to),
    )
    if state is None:
        return told
    return replace(
        state,
        # Facts about one message agree wherever they speak; the greater is a choice that no order can change.
        account_sid=max(state.account_sid, told.account_sid),
        status=max(state.status, told.status, key=lambda status: (furtherance(status), status)),
        since=min(state.since, at),
        heard_at=max(state.heard_at, at),
        from_=max(state.from_, told.from_),
        to_channel=max(state.to_channel, told.to_channel),
    )


def due(row: Silent) -> str:
    """When a row is forgotten."""
    if row.ended:
        return later(row.heard_at, _ENDED_S)
    return later(row.heard_at, _SCHEDULED_S if row.status == "scheduled" else _OPEN_S)


def unheard_of(tenant: str, account: str, channel: Channel) -> str:
    """What begins the names of this account's open messages that nobody has looked for: by their latest word."""
    return f"{tenant} {account} new {channel} "


def again(tenant: str, account: str) -> str:
    """What begins the names of those that are looked for again: by when."""
    return f"{tenant} {account} again "


def lists(row: Silent) -> tuple[str, ...]:
    """Under its tenant and account first. What has ended, is scheduled or was given up is under no name."""
    if row.ended or row.status == "scheduled":
        return ()
    if row.again_at:
        return (f"{again(row.tenant, row.account_sid)}{row.again_at}",)
    if row.looks == 0:
        return (f"{unheard_of(row.tenant, row.account_sid, row.channel)}{row.heard_at}",)
    return ()
