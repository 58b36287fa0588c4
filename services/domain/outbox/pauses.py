"""Pauses: what a person has stopped, by its scope. Each partition of the accepted commands has a copy of each record.

Of a scope what the log says last counts: whoever writes them is fenced, so that their order is one, and no clock is
asked. A record that comes again changes nothing.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

from services.domain.due import Due
from services.domain.outbox.verdicts import Verdict

EVERYTHING = "everything"
# The one row of a partition.
ROW = "pauses"
# Ids of records, to know those that come again: the latest of each tenant, so that none pushes another's out.
_REMEMBERED = 200


# Who is at fault, where no person wanted it.
Cause = Literal["account", "sender"]


class PausePlaced(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="pause_placed"):
    """Nothing of a scope is to be sent (`twilio.outbound.accepted.v1`, one on each partition).

    `key` is the record's, and names its partition. `tenant` is empty for everything. `cause`: who is at fault, where
    no person wanted it; `sent_at`: when what showed it was sent, so that what is heard late pauses nothing anew.
    `until`: it ends then by itself; null: when a person says so.
    """

    event_id: str
    key: str
    tenant: str
    scope: str
    at: str
    by: str
    note: str | None = None
    cause: Cause | None = None
    sent_at: str | None = None
    until: str | None = None

    @property
    def contact(self) -> str:
        """It stands among a partition's contacts as one of its own."""
        return self.key


class PauseEnded(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="pause_ended"):
    """What a pause of this very scope held goes on (`twilio.outbound.accepted.v1`, one on each partition).

    `cause`: only a pause by that cause ends, and none that a person wanted.
    """

    event_id: str
    key: str
    tenant: str
    scope: str
    at: str
    by: str
    note: str | None = None
    cause: Cause | None = None

    @property
    def contact(self) -> str:
        """It stands among a partition's contacts as one of its own."""
        return self.key


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A pause that stands."""

    scope: str
    at: str
    by: str
    note: str | None = None
    cause: Cause | None = None
    until: str | None = None

    @property
    def words(self) -> str:
        """It in a sentence's second half: `tenant acme, by ann at 2026-…: why`."""
        ends = f", until {self.until}" if self.until else ""
        return f"{self.scope}, by {self.by} at {self.at}{ends}{f': {self.note}' if self.note else ''}"


class Pauses(msgspec.Struct, frozen=True, kw_only=True):
    """The pauses of a partition: those that stand, by scope; when tenants and senders were resumed; by tenant what was
    folded.

    Of what stands, and of what was resumed, nothing is dropped: operators write them, and Twilio's word on an account
    or a sender of ours.
    """

    standing: dict[str, Pause] = {}
    ended: dict[str, str] = {}
    seen: dict[str, tuple[str, ...]] = {}


Said = PausePlaced | PauseEnded
SAID = (PausePlaced, PauseEnded)
# How the scope of a sender begins.
_SENDER = "sender "


def of_tenant(tenant: str) -> str:
    return f"tenant {tenant}"


def of_sender(tenant: str, sender: str) -> str:
    return f"{_SENDER}{tenant} {sender}"


def of_label(tenant: str, label: str) -> str:
    return f"label {tenant} {label}"


def of_senders(tenant: str) -> str:
    """How the scopes of a tenant's senders begin."""
    return of_sender(tenant, "")


def due(state: Pauses) -> str | None:
    """When the next pause ends by itself."""
    return min((one.until for one in state.standing.values() if one.until), default=None)


def resting(state: Pauses, tenant: str) -> frozenset[str]:
    """The senders of a tenant that are paused because they are at fault."""
    begins = of_senders(tenant)
    found = (scope for scope, one in state.standing.items() if one.cause == "sender" and scope.startswith(begins))
    return frozenset(scope.removeprefix(begins) for scope in found)


def fold(state: Pauses | None, event: Said | Due) -> tuple[Pauses, tuple[()]]:
    """Join one record, or end what ends by itself."""
    pauses = state or Pauses()
    if isinstance(event, Due):
        over = {scope: one.until for scope, one in pauses.standing.items() if one.until and one.until <= event.at}
        standing = {scope: one for scope, one in pauses.standing.items() if scope not in over}
        # What was sent while it was paused, or before, and is heard now, says nothing new.
        return replace(pauses, standing=standing, ended=pauses.ended | over), ()
    known = pauses.seen.get(event.tenant, ())
    if event.event_id in known:
        return pauses, ()
    seen = {**pauses.seen, event.tenant: (*known, event.event_id)[-_REMEMBERED:]}
    before = pauses.standing.get(event.scope)
    if isinstance(event, PauseEnded) and event.cause and before is not None and before.cause != event.cause:
        return replace(pauses, seen=seen), ()
    standing = {scope: one for scope, one in pauses.standing.items() if scope != event.scope}
    if isinstance(event, PauseEnded):
        # Only these are paused by a cause, which may be heard late.
        by_cause = event.scope.startswith((of_tenant(""), _SENDER))
        ended = {**pauses.ended, event.scope: event.at} if by_cause else pauses.ended
        return Pauses(standing=standing, ended=ended, seen=seen), ()
    if event.cause and before is not None:
        return replace(pauses, standing=standing | {event.scope: _longer(before, event)}, seen=seen), ()
    if event.cause and (event.sent_at or event.at) <= pauses.ended.get(event.scope, ""):
        # It speaks of a time before somebody said that all is well.
        return replace(pauses, seen=seen), ()
    names = ("scope", "at", "by", "note", "cause", "until")
    pause = Pause(**{name: getattr(event, name) for name in names})
    return replace(pauses, standing=standing | {event.scope: pause}, seen=seen), ()


def _longer(pause: Pause, event: PausePlaced) -> Pause:
    """It stands already: by what was seen since, until later."""
    since = pause.cause == event.cause and (event.sent_at or event.at) > pause.at
    if not since or pause.until is None or event.until is None or event.until <= pause.until:
        return pause
    return replace(pause, until=event.until)


def stopping(pauses: Pauses | None, tenant: str, sender: str) -> Pause | None:
    """The pause that stops a sender's lane, the widest of them."""
    if pauses is None or not pauses.standing:
        return None
    return _first(pauses, (EVERYTHING, of_tenant(tenant), of_sender(tenant, sender)))


def holding(pauses: Pauses | None, tenant: str, label: str | None, fallback: str | None = None) -> Pause | None:
    """The pause that holds commands of a label, or those that may fall back to a sender; their lanes go on."""
    scopes = () if label is None else (of_label(tenant, label),)
    return _first(pauses, scopes if fallback is None else (*scopes, of_sender(tenant, fallback)))


def _first(pauses: Pauses | None, scopes: tuple[str, ...]) -> Pause | None:
    return None if pauses is None else next((pauses.standing[one] for one in scopes if one in pauses.standing), None)


def paused(pause: Pause, condition: str | None = None) -> Verdict:
    """The verdict on a command that a pause holds; without a condition it is its lane that is stopped."""
    remedy = "It goes on by itself once that is resumed (switchboard resume), or expires at its not_after."
    if pause.until:
        remedy = "It goes on by itself then, or once that is resumed (switchboard resume), or expires at its not_after."
    return Verdict("deferred", pause.cause or "pause", f"paused: {pause.words}", remedy, condition=condition)
