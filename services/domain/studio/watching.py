"""What is read of Studio, and when: flows for new executions, executions for their steps.

A flow that is watched is read every EVERY_S; so is an execution until Twilio says that it has ended, and once more for
what came last: lists lag. Twilio's own limit is 30 days.
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
# A step whose context is not there yet is asked for so soon again: what was said in it may be a STOP.
_UNSHOWN_S = 10.0
_AGAIN_S = 600.0
# After readings that failed, from the first on, doubled up to _AGAIN_S.
_FAILED_S = 5.0
_REMEMBERED_S = 86_400.0
_LONGEST_S = 31 * 86_400.0


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A flow (`execution_sid` empty) or an execution. Key: `{sid} {tenant}`.

    `told_at`: when it was last said whether the flow is watched; when the execution began. `since`: up to when a flow's
    list was read; empty before the first time. `known`: of a flow, those that the next list shows again; of an
    execution, the steps that were told. `reading`: those of the list that is being read, which began at `read_at`.
    `over`: it had ended when it was read before. `failed`: readings that came to no answer, since the last that did.
    `again_at`: when it is read again; None: never.
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
    reading: tuple[str, ...] = ()
    read_at: str = ""
    over: bool = False
    missed: int = 0
    failed: int = 0
    again_at: str | None = None


class FlowRead(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a flow's list was read, of a reading that began at `at`.

    `found`: its executions; None: Twilio has no such flow. `page`: from 0 on. `whole`: it was the last page.
    """

    tenant: str
    flow_sid: str
    at: str
    found: tuple[ExecutionSeen, ...] | None
    page: int = 0
    whole: bool = True


class ExecutionRead(msgspec.Struct, frozen=True, kw_only=True):
    """An execution was read, begun at `at`: before its steps. `seen` None: Twilio has none such.

    `replies`: what was said in those steps that are not known yet. `unshown`: how many steps are left out, because
    Twilio does not show yet what was said. `unattributed`: replies that nobody can be named for.
    """

    tenant: str
    execution_sid: str
    at: str
    seen: ExecutionSeen | None
    steps: tuple[StepWalked, ...] = ()
    replies: tuple[InboundReceived, ...] = ()
    unshown: int = 0
    unattributed: int = 0


class ReadingFailed(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio gave no answer for a flow or an execution (`sid`) that could be used."""

    tenant: str
    sid: str
    at: str


Fact = ExecutionSeen | StepWalked | InboundReceived
# What is folded: what people say is watched, what was seen, and what readings came to.
FACTS = (FlowWatched, ExecutionSeen, FlowRead, ExecutionRead, ReadingFailed)


def row_key(event: FlowWatched | ExecutionSeen | FlowRead | ExecutionRead | ReadingFailed | Watch) -> str:
    match event:
        case ReadingFailed():
            return f"{event.sid} {event.tenant}"
        case FlowWatched() | FlowRead():
            return f"{event.flow_sid} {event.tenant}"
        case ExecutionSeen() | ExecutionRead():
            return f"{event.execution_sid} {event.tenant}"
        case Watch():
            return f"{event.execution_sid or event.flow_sid} {event.tenant}"


def fold(
    state: Watch | None, event: FlowWatched | ExecutionSeen | FlowRead | ExecutionRead | ReadingFailed | Due
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
        case ReadingFailed():
            return (state if state is None or state.again_at is None else _failed(state, event)), ()


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
        return replace(state, missed=state.missed + 1, failed=0, again_at=later(event.at, _AGAIN_S)), ()
    if event.page and state.read_at != event.at:
        # A page before it could not be folded. Its executions are looked for again, with these.
        return state, ()
    before = state.reading if event.page else ()
    # With what a reading had told that came to no end.
    told = {*state.known, *state.reading}
    news = [one for one in event.found if one.execution_sid not in told]
    # What began before is in no list that is read from now on.
    first = asked_from(event.at)
    recent = (one.execution_sid for one in event.found if one.started_at >= first)
    reading = tuple(dict.fromkeys((*before, *recent)))
    if not event.whole:
        return replace(state, reading=reading, read_at=event.at), news
    again_at = later(event.at, EVERY_S)
    return (
        replace(state, since=event.at, known=reading, reading=(), read_at="", missed=0, failed=0, again_at=again_at),
        news,
    )


def asked_from(since: str) -> str:
    """From when on a list is asked for that was read up to then, in whole seconds as Twilio dates."""
    return f"{later(since, -OVERLAP_S)[:19]}.000Z"


def may_be_shown_later(row: Watch) -> bool:
    """Whether a step whose context Twilio does not have is asked for again; else what was said in it is unknown."""
    return row.missed + 1 < _MISSED


def _read(state: Watch, event: ExecutionRead) -> tuple[Watch, Sequence[Fact]]:
    seen = event.seen
    if seen is None:
        missed = state.missed + 1
        again_at = later(event.at, _AGAIN_S) if missed < _MISSED else None
        return replace(state, missed=missed, failed=0, again_at=again_at), ()
    news = sorted((one for one in event.steps if one.step_sid not in state.known), key=lambda one: one.walked_at)
    known = (*state.known, *(one.step_sid for one in news))
    ended = seen.status == "ended"
    if event.unshown:
        missed, again_at = state.missed + 1, later(event.at, _UNSHOWN_S)
    else:
        missed, again_at = 0, None if ended and state.over else later(event.at, EVERY_S)
    after = replace(state, status=seen.status, known=known, over=ended, missed=missed, failed=0, again_at=again_at)
    return after, [*([seen] if seen.status != state.status else []), *news, *event.replies]


def _failed(state: Watch, event: ReadingFailed) -> Watch:
    """Sooner than a flow is read anyway, the first time: what failed once may be a STOP."""
    wait_s = min(_FAILED_S * 2 ** min(state.failed, 10), _AGAIN_S)
    return replace(state, read_at="", failed=state.failed + 1, again_at=later(event.at, wait_s))


def under(tenant: str, account: str) -> str:
    """What begins the names of an account's rows: by when they are read again."""
    return f"{tenant} {account} "


def lists(row: Watch) -> tuple[str, ...]:
    """Under its tenant and account, by when it is read again."""
    return (f"{under(row.tenant, row.account_sid)}{row.again_at}",) if row.again_at else ()


def due(row: Watch) -> str | None:
    """When a row is forgotten: a flow, some time after nobody watches it any more; an execution, when it is over."""
    if row.execution_sid:
        return later(row.told_at, _LONGEST_S)
    return None if row.watched else later(row.told_at, _REMEMBERED_S)
