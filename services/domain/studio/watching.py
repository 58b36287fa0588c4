"""What is read of Studio, and when: flows for new executions, executions for their steps.

A flow that is watched is read every EVERY_S; so is an execution until Twilio says that it has ended, and once more for
what came last. Twilio's own limit is 30 days.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.messages.events import InboundReceived
from services.domain.studio.events import ExecutionSeen, ExecutionStatus, FlowWatched, StepWalked

# A reading may be late by a round and by Twilio's answer: what is said is known within a minute.
EVERY_S = 30.0
# How far back a flow's list is read again: Twilio's dates are whole seconds, and lists lag.
OVERLAP_S = 60.0
# What Twilio does not know three times was deleted.
_MISSED = 3
_AGAIN_S = 600.0
_REMEMBERED_S = 86_400.0
_LONGEST_S = 31 * 86_400.0


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A flow (`execution_sid` empty) or an execution. Key: `{sid} {tenant}`.

    `told_at`: when it was last said whether the flow is watched; when the execution began. `since`: up to when a flow's
    list was read; empty before the first time. `known`: executions of the list, or steps, that were told. `again_at`:
    when it is read again; None: never.
    """

    tenant: str
    account_sid: str
    flow_sid: str
    execution_sid: str = ""
    told_at: str
    told_by: str = ""
    watched: bool = True
    status: ExecutionStatus = "active"
    since: str = ""
    known: tuple[str, ...] = ()
    missed: int = 0
    again_at: str | None = None


class FlowRead(msgspec.Struct, frozen=True, kw_only=True):
    """A flow's list was read, begun at `at`. `found`: its executions; None: Twilio has no such flow."""

    tenant: str
    flow_sid: str
    at: str
    found: tuple[ExecutionSeen, ...] | None


class ExecutionRead(msgspec.Struct, frozen=True, kw_only=True):
    """An execution was read, begun at `at`: before its steps. `seen` None: Twilio has none such.

    `replies`: what was said in those steps that are not known yet.
    """

    tenant: str
    execution_sid: str
    at: str
    seen: ExecutionSeen | None
    steps: tuple[StepWalked, ...] = ()
    replies: tuple[InboundReceived, ...] = ()


Fact = ExecutionSeen | StepWalked | InboundReceived
# What is folded: what people say is watched, what was seen, and what readings came to.
FACTS = (FlowWatched, ExecutionSeen, FlowRead, ExecutionRead)


def row_key(event: FlowWatched | ExecutionSeen | FlowRead | ExecutionRead | Watch) -> str:
    match event:
        case FlowWatched() | FlowRead():
            return f"{event.flow_sid} {event.tenant}"
        case ExecutionSeen() | ExecutionRead():
            return f"{event.execution_sid} {event.tenant}"
        case Watch():
            return f"{event.execution_sid or event.flow_sid} {event.tenant}"


def fold(
    state: Watch | None, event: FlowWatched | ExecutionSeen | FlowRead | ExecutionRead | Due
) -> tuple[Watch | None, Sequence[Fact]]:
    """Join one fact. A reading emits what it found and nobody has told."""
    match event:
        case Due():
            return None, ()
        case FlowWatched():
            return _told(state, event), ()
        case ExecutionSeen():
            return (_begun(event) if state is None else state), ()
        case FlowRead():
            return (state, ()) if state is None or not state.watched else _listed(state, event)
        case ExecutionRead():
            return (state, ()) if state is None or state.again_at is None else _read(state, event)


def _told(state: Watch | None, event: FlowWatched) -> Watch:
    """The latest word counts; of two of one moment the greater id."""
    if state is not None and (state.told_at, state.told_by) >= (event.at, event.event_id):
        return state
    known = state or Watch(tenant=event.tenant, account_sid="", flow_sid=event.flow_sid, told_at=event.at)
    return replace(
        known,
        account_sid=event.account_sid,
        told_at=event.at,
        told_by=event.event_id,
        watched=event.watched,
        # What began while nobody watched is looked for as if for the first time.
        since=known.since if known.watched and event.watched else "",
        missed=0,
        again_at=event.at if event.watched else None,
    )


def _begun(event: ExecutionSeen) -> Watch:
    return Watch(
        tenant=event.tenant,
        account_sid=event.account_sid,
        flow_sid=event.flow_sid,
        execution_sid=event.execution_sid,
        told_at=event.started_at,
        status=event.status,
        again_at=event.seen_at,
    )


def _listed(state: Watch, event: FlowRead) -> tuple[Watch, Sequence[Fact]]:
    if event.found is None:
        return replace(state, missed=state.missed + 1, again_at=later(event.at, _AGAIN_S)), ()
    news = [one for one in event.found if one.execution_sid not in state.known]
    known = tuple(one.execution_sid for one in event.found)
    return replace(state, since=event.at, known=known, missed=0, again_at=later(event.at, EVERY_S)), news


def _read(state: Watch, event: ExecutionRead) -> tuple[Watch, Sequence[Fact]]:
    seen = event.seen
    if seen is None:
        missed = state.missed + 1
        return replace(state, missed=missed, again_at=later(event.at, _AGAIN_S) if missed < _MISSED else None), ()
    news = sorted((one for one in event.steps if one.step_sid not in state.known), key=lambda one: one.walked_at)
    known = (*state.known, *(one.step_sid for one in news))
    # It was looked at before its steps: where it had ended by then, these are all.
    again_at = None if seen.status == "ended" else later(event.at, EVERY_S)
    after = replace(state, status=seen.status, known=known, missed=0, again_at=again_at)
    return after, [*([seen] if seen.status != state.status else []), *news, *event.replies]


def lists(row: Watch) -> tuple[str, ...]:
    """Under its tenant, by when it is read again."""
    return (f"{row.tenant} {row.again_at}",) if row.again_at else ()


def due(row: Watch) -> str | None:
    """When a row is forgotten: a flow, some time after nobody watches it any more; an execution, when it is over."""
    if row.execution_sid:
        return later(row.told_at, _LONGEST_S)
    return None if row.watched else later(row.told_at, _REMEMBERED_S)
