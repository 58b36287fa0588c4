"""Whose executions are ended, because their contact wants nothing any more: all that a person is in, by contact.

A flow writes by itself, at Twilio. What a person says no to, and for how long, is suppression's; here is which of their
executions that no is about: those that had begun when it was said. Those that somebody else than the person starts are
so also a while later, for a no may be read that late. What a person begins by writing to us after their no goes on.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.consent.refusals import LEFT
from services.domain.consent.standing import Standing, unreleased
from services.domain.due import Due
from services.domain.identity import raw_event_id
from services.domain.studio.events import ContactExecution, ExecutionStopped

# Twilio lets none live longer than 30 days.
_LONGEST_S = 31 * 86_400.0
# As late as a reading that failed is made again, at the latest.
_READ_LATE_S = 600.0
# A row is written whole. Those that go on stay, of these the latest.
_MOST = 64

OPEN = "open"


class Walking(msgspec.Struct, frozen=True, kw_only=True):
    """An execution of a contact. `by_person`: they began it themselves. `over`: it has ended, or we ended it."""

    account_sid: str
    flow_sid: str
    started_at: str
    by_person: bool
    over: bool


class InFlows(msgspec.Struct, frozen=True, kw_only=True):
    """The executions of a contact by sid, also ended ones: what comes late opens none again. Key: contact."""

    tenant: str
    contact: str
    heard_at: str
    executions: dict[str, Walking]


def fold(state: InFlows | None, event: Any) -> tuple[InFlows | None, tuple[ExecutionStopped, ...]]:
    """Join one fact. That we ended one is told once."""
    match event:
        case Due():
            return None, ()
        case ContactExecution():
            return _joined(state, event), ()
        case ExecutionStopped():
            known = state.executions.get(event.execution_sid) if state else None
            if state is None or known is None or known.over:
                return state, ()
            executions = {**state.executions, event.execution_sid: replace(known, over=True)}
            return replace(state, executions=executions), (event,)
        case _:
            return state, ()


def to_end(row: InFlows | None, standing: Standing | None) -> dict[str, str]:
    """The executions that are to be ended, by sid, each with the id of the fact that says so."""
    if row is None or standing is None:
        return {}
    # What WhatsApp keeps for a person stops less than what they say.
    noes = [mark for marks in unreleased(standing).values() for mark in marks if mark.source not in LEFT]
    if not noes:
        return {}
    latest = max(noes, key=lambda mark: (mark.at, mark.evidence))
    late = later(latest.at, _READ_LATE_S)
    return {
        sid: latest.evidence
        for sid, one in row.executions.items()
        if not one.over and one.started_at <= (latest.at if one.by_person else late)
    }


def stopped(row: InFlows, sid: str, by: str, over: bool, at: str) -> ExecutionStopped:
    """Twilio has ended an execution of a row; `over`: it was before."""
    known = row.executions[sid]
    return ExecutionStopped(
        event_id=raw_event_id("studio_stopped", row.tenant, (sid.encode(),)),
        tenant=row.tenant,
        seen_at=at,
        contact=row.contact,
        account_sid=known.account_sid,
        flow_sid=known.flow_sid,
        execution_sid=sid,
        by=by,
        outcome="over" if over else "ended",
    )


def lists(row: InFlows) -> tuple[str, ...]:
    """Those are found who are in a flow."""
    return (OPEN,) if any(not one.over for one in row.executions.values()) else ()


def due(row: InFlows) -> str:
    """When a row is forgotten: Twilio has ended all of it."""
    return later(max(one.started_at for one in row.executions.values()), _LONGEST_S)


def _joined(state: InFlows | None, event: ContactExecution) -> InFlows | None:
    heard_at = max(event.at, state.heard_at if state else "")
    known = dict(state.executions) if state else {}
    known[event.execution_sid] = _both(known.get(event.execution_sid), event)
    # What Twilio has ended by itself makes room, then what is over, then what began first.
    # What is over and comes again is ended again: that does nothing.
    young = {sid: one for sid, one in known.items() if later(one.started_at, _LONGEST_S) > heard_at}
    latest = sorted(young.items(), key=lambda item: (not item[1].over, item[1].started_at, item[0]))[-_MOST:]
    if not latest:
        return state
    return InFlows(tenant=event.tenant, contact=event.contact, heard_at=heard_at, executions=dict(sorted(latest)))


def _both(known: Walking | None, event: ContactExecution) -> Walking:
    told = Walking(
        account_sid=event.account_sid,
        flow_sid=event.flow_sid,
        started_at=event.started_at,
        by_person=event.begun == "person",
        over=event.status == "ended",
    )
    if known is None:
        return told
    return Walking(
        # A command does not say which account it is.
        account_sid=max(known.account_sid, told.account_sid),
        flow_sid=min(known.flow_sid, told.flow_sid),
        started_at=min(known.started_at, told.started_at),
        by_person=known.by_person and told.by_person,
        over=known.over or told.over,
    )
