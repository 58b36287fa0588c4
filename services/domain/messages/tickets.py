"""Tickets: what a keyword rule has delivered to somebody's desk by HTTP. At least once, and not for ever.

A row is a fact of `twilio.keywords.v1` until its desk has taken it; then its id alone, as long as the log may bring the
fact again. One that was given up keeps its fact as long: a person may have it tried again.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.messages.events import KeywordHeard

_DAY_S = 86_400.0
# A day more than the log has them.
_REMEMBERED_S = 31 * _DAY_S
# Before the next try; after the last of them nobody tries any more: some 30 hours after the first.
AGAIN_S = (10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 43_200.0)


class TicketTried(msgspec.Struct, frozen=True, kw_only=True):
    """A try to deliver a ticket (the poller's own event; never on the log). `answer`: what came of it, in words."""

    key: str
    at: str
    taken: bool
    answer: str


class TicketEnded(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="ticket_ended"):
    """A ticket was delivered, or given up (`twilio.tickets.v1`, keyed by contact).

    `keyword_event_id`: the fact on `twilio.keywords.v1`, which says what it was. `tries`: since it was taken, or tried
    again by a person's wish. `answer`: of the last of them.
    """

    event_id: str
    tenant: str
    contact: str
    at: str
    keyword_event_id: str
    message_sid: str
    rule: str
    desk: str
    outcome: Literal["delivered", "given_up"]
    tries: int
    answer: str


class TicketRetried(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="ticket_retried"):
    """A person has a ticket tried again that was given up (`twilio.tickets.v1`, keyed by contact).

    `ended_event_id`: the `ticket_ended` that said so; it is tried again once for each.
    """

    event_id: str
    tenant: str
    contact: str
    at: str
    keyword_event_id: str
    ended_event_id: str
    by: str


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Key: the fact's id. `heard`: null once it is delivered. `given_up`: the id of the fact that told so, until it is
    tried again. `rounds`: how often it was given up; `tries`: since the last time."""

    tenant: str
    since: str
    desk: str
    again_at: str
    heard: KeywordHeard | None
    tries: int = 0
    given_up: str | None = None
    rounds: int = 0


Event = KeywordHeard | TicketTried | TicketRetried


def row_key(event: Event) -> str:
    match event:
        case KeywordHeard():
            return event.event_id
        case TicketTried():
            return event.key
        case TicketRetried():
            return event.keyword_event_id


def fold(state: Ticket | None, event: Event | Due) -> tuple[Ticket | None, Sequence[TicketEnded]]:
    """Take a ticket; note a try. A fact that comes again changes nothing."""
    match event:
        case KeywordHeard():
            return (state, ()) if state is not None or event.ticket is None else (_taken(event, event.ticket), ())
        case TicketTried():
            return (state, ()) if state is None or not is_open(state) else _tried(state, event)
        case TicketRetried():
            return (_again(state, event) if state else None), ()
        case _:
            return None, ()


def is_open(row: Ticket) -> bool:
    """Is it still to be delivered?"""
    return row.heard is not None and row.given_up is None


def due(row: Ticket) -> str:
    """It is forgotten, whatever became of it: its tries are over long before."""
    return later(row.since, _REMEMBERED_S)


def lists(row: Ticket) -> tuple[str, ...]:
    """By its desk and when it is tried next; where it has ended, nowhere."""
    return (f"{under(row.tenant, row.desk)}{row.again_at}",) if is_open(row) else ()


def under(tenant: str, desk: str) -> str:
    """How the names of a desk's rows begin."""
    return f"{tenant} {desk} "


def _taken(event: KeywordHeard, desk: str) -> Ticket:
    at = event.received_at
    return Ticket(tenant=event.tenant, since=at, desk=desk, again_at=at, heard=event)


def _again(state: Ticket, event: TicketRetried) -> Ticket:
    if state.given_up is None or state.given_up != event.ended_event_id:
        return state
    return replace(state, given_up=None, tries=0, again_at=event.at)


def _tried(state: Ticket, event: TicketTried) -> tuple[Ticket, Sequence[TicketEnded]]:
    tries = state.tries + 1
    if not event.taken and tries <= len(AGAIN_S):
        return replace(state, tries=tries, again_at=later(event.at, AGAIN_S[tries - 1])), ()
    ended = _ended(state, event, tries)
    if event.taken:
        return replace(state, heard=None, tries=tries), (ended,)
    return replace(state, tries=tries, given_up=ended.event_id, rounds=state.rounds + 1), (ended,)


def _ended(state: Ticket, event: TicketTried, tries: int) -> TicketEnded:
    heard = state.heard
    assert heard is not None
    # Each time that it ends is a fact of its own.
    times = f" {state.rounds}" if state.rounds else ""
    return TicketEnded(
        event_id=derived_event_id(heard.event_id, "ticket", f"ended{times}"),
        tenant=heard.tenant,
        contact=heard.contact,
        at=event.at,
        keyword_event_id=heard.event_id,
        message_sid=heard.message_sid,
        rule=heard.rule,
        desk=state.desk,
        outcome="delivered" if event.taken else "given_up",
        tries=tries,
        answer=event.answer,
    )
