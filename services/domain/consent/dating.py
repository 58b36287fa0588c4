"""STOP and START within a minute: whose dates could settle which was said later, and what follows from a date."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from services.domain.clock import seconds_between
from services.domain.consent.commands import Mark, MessageDated, SharedMark, Statement
from services.domain.consent.scopes import TENANT
from services.domain.consent.standing import HORIZON_S, Marks, Standing, suppressed
from services.domain.identity import derived_event_id
from services.domain.sids import MESSAGE

# What rows are listed under while a date could settle something.
UNDATED = "undated"


class Doubt(NamedTuple):
    """A no that stands, and a yes so near to it that nobody knows which was said first. Both are messages."""

    scope: str
    stop: str
    stop_at: str
    start: str
    start_at: str


class DateFetched(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio told the date of a message (the sender's own event; never on the log)."""

    tenant: str
    contact: str
    at: str
    message_sid: str
    sent_at: str


def doubts(state: Standing | None) -> list[Doubt]:
    """Where a START waits for a date."""
    return [
        Doubt(scope, stop, no.at, start, yes.at)
        for scope, (stop, no) in _standing(state)
        for start, yes in _near(state, scope, no)
    ]


def undated(state: Standing | None) -> list[str]:
    """The messages whose dates would settle a doubt."""
    found = {
        name
        for scope, (stop, no) in _standing(state)
        for start, yes in _near(state, scope, no)
        for name, mark in ((stop, no), (start, yes))
        if not mark.exact
    }
    return sorted(found)


def lists(state: Standing) -> tuple[str, ...]:
    return (UNDATED,) if undated(state) else ()


def dated(state: Standing | None, event: DateFetched) -> list[MessageDated]:
    """What the row says by this message, with the date; nothing where it has dates already, or no such message."""
    if state is None:
        return []
    marks = [
        SharedMark(id=event.message_sid, action=action, scope=scope, mark=replace(mark, at=event.sent_at, exact=True))
        for action, by_scope in _all(state)
        for scope, by_id in by_scope.items()
        if (mark := by_id.get(event.message_sid)) is not None and not mark.exact
    ]
    if not marks:
        return []
    # Fetched again, by the next owner of the partition, it is another fact: it was learned at another time.
    event_id = derived_event_id(event.message_sid, "dated", f"{event.contact} {event.sent_at} {event.at}")
    return [
        MessageDated(
            event_id=event_id,
            tenant=event.tenant,
            contact=event.contact,
            at=event.at,
            message_sid=event.message_sid,
            marks=marks,
        )
    ]


def _all(state: Standing) -> tuple[tuple[Statement, Marks], ...]:
    return ("opt_out", state.outs), ("opt_in", state.ins), ("suspected", state.suspects)


def _standing(state: Standing | None) -> Iterator[tuple[str, tuple[str, Mark]]]:
    """The noes said by messages, in scopes that are suppressed."""
    for scope in suppressed(state) if state else ():
        for name, mark in state.outs.get(scope, {}).items() if state else ():
            if MESSAGE.fullmatch(name):
                yield scope, (name, mark)


def _near(state: Standing | None, scope: str, no: Mark) -> Iterator[tuple[str, Mark]]:
    """The yeses said by messages of which nobody knows whether they came before this no, or after it."""
    for where in (scope, TENANT):
        for name, yes in state.ins.get(where, {}).items() if state else ():
            unsure = yes.releases and not (yes.exact and no.exact)
            if unsure and MESSAGE.fullmatch(name) and abs(seconds_between(no.at, yes.at)) <= HORIZON_S:
                yield name, yes
