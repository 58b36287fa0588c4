"""What is known of an execution: the join of what was seen of it and of its steps, in any order and repetition."""

from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from itertools import groupby

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.studio.events import (
    ContactExecution,
    ExecutionChanged,
    ExecutionSeen,
    ExecutionStopped,
    StepWalked,
    Walked,
)

# After the latest thing that was heard of it. Longer than Twilio lets one live, and than facts are kept.
_REMEMBERED_S = 61 * 86_400.0
# Twilio ends an execution after so many.
_MOST_STEPS = 1_000
# What somebody's own message or call starts names that; what the API starts names something else.
_PERSONS = ("SM", "MM", "IM", "CA")


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """An execution. Key: `{execution sid} {tenant}`. `seen`: by status the fact that told it, of several the first.

    `steps`: by sid, in the order of Twilio's dates. `stopped_by`: the fact for which we ended it.
    """

    tenant: str
    execution_sid: str
    heard_at: str
    seen: dict[str, ExecutionSeen] = {}
    steps: dict[str, Walked] = {}
    stopped_by: str | None = None

    @property
    def ended(self) -> ExecutionSeen | None:
        return self.seen.get("ended")

    @property
    def shown(self) -> ExecutionSeen | None:
        """The further of the two; None while its steps alone are known."""
        return self.ended or self.seen.get("active")

    @property
    def ordered(self) -> list[Walked]:
        """By Twilio's dates, which are whole seconds: within one each step begins where another ended."""
        return _chained(list(self.steps.values()))


def row_key(event: ExecutionSeen | StepWalked | ExecutionStopped | ExecutionChanged) -> str:
    return f"{event.execution_sid} {event.tenant}"


def fold(
    state: Execution | None, event: ExecutionSeen | StepWalked | ExecutionStopped | Due
) -> tuple[Execution | None, Sequence[ExecutionChanged | ContactExecution]]:
    """Join one fact; what is more than was known is told, once the execution itself was seen.

    That it began or ended is told to its contact's partition too.
    """
    if isinstance(event, Due):
        return None, ()
    known = state or Execution(tenant=event.tenant, execution_sid=event.execution_sid, heard_at=event.seen_at)
    joined = replace(_joined(known, event), heard_at=max(known.heard_at, event.seen_at))
    before, after = (_told(state) if state else None), _told(joined)
    if after is None or after == before:
        return joined, ()
    transition = f"{after.status} {len(after.steps)}{' stopped' if after.stopped_by else ''}"
    event_id = derived_event_id(event.event_id, "execution", transition)
    told = replace(after, event_id=event_id, at=event.seen_at)
    if after.contact is None or (before is not None and before.status == after.status):
        return joined, (told,)
    return joined, (told, _of_contact(told, after.contact))


def _of_contact(told: ExecutionChanged, contact: str) -> ContactExecution:
    return ContactExecution(
        event_id=derived_event_id(told.event_id, "contact_execution", told.status),
        tenant=told.tenant,
        contact=contact,
        at=told.at,
        account_sid=told.account_sid,
        flow_sid=told.flow_sid,
        execution_sid=told.execution_sid,
        status=told.status,
        begun="person" if told.initiated_by.startswith(_PERSONS) else "other",
        started_at=told.started_at,
    )


def due(row: Execution) -> str:
    """When a row is forgotten."""
    return later(row.heard_at, _REMEMBERED_S)


def _joined(known: Execution, event: ExecutionSeen | StepWalked | ExecutionStopped) -> Execution:
    match event:
        case ExecutionStopped():
            return replace(known, stopped_by=min(event.by, known.stopped_by or event.by))
        case ExecutionSeen():
            facts = [one for one in (known.seen.get(event.status), event) if one is not None]
            # They agree in all but the moment of looking: the first look stays.
            first = min(facts, key=lambda one: (one.seen_at, msgspec.json.encode(one)))
            return replace(known, seen=dict(sorted({**known.seen, event.status: first}.items())))
        case StepWalked():
            step = Walked(
                step_sid=event.step_sid, event=event.event, left=event.left, entered=event.entered, at=event.walked_at
            )
            both = [one for one in (known.steps.get(event.step_sid), step) if one is not None]
            least = min(both, key=msgspec.json.encode)
            steps = {**known.steps, event.step_sid: least}.values()
            ordered = sorted(steps, key=lambda one: (one.at, one.step_sid))[:_MOST_STEPS]
            return replace(known, steps={one.step_sid: one for one in ordered})


def _told(state: Execution) -> ExecutionChanged | None:
    """What is told of it; when, and by which id, says whoever tells it."""
    seen = state.shown
    if seen is None:
        return None
    return ExecutionChanged(
        event_id="",
        tenant=seen.tenant,
        at="",
        account_sid=seen.account_sid,
        flow_sid=seen.flow_sid,
        execution_sid=seen.execution_sid,
        flow_version=seen.flow_version,
        status=seen.status,
        contact=seen.contact,
        to=seen.to,
        initiated_by=seen.initiated_by,
        started_at=seen.started_at,
        ended_at=seen.updated_at if seen.status == "ended" else None,
        steps=state.ordered,
        stopped_by=state.stopped_by,
    )


def _chained(steps: list[Walked]) -> list[Walked]:
    """Steps by time, those of one second one after the other: each leaves the widget that the one before entered."""
    found: list[Walked] = []
    for _, together in groupby(steps, key=lambda one: one.at):
        found += _follow(list(together), found[-1].entered if found else None)
    return found


def _follow(steps: list[Walked], at: str | None) -> list[Walked]:
    """The steps of one second, from that widget on. Where none follows it goes on with one that follows none."""
    waiting = dict.fromkeys(range(len(steps)))
    leaving: defaultdict[str, deque[int]] = defaultdict(deque)
    for place, one in enumerate(steps):
        leaving[one.left].append(place)
    entered = Counter(one.entered for one in steps)
    found: list[Walked] = []
    while waiting:
        if at is None or not leaving[at]:
            # Each is left out of its queue's front: of one widget they go in their own order.
            begins = (place for place in waiting if not entered[steps[place].left])
            at = steps[next(begins, next(iter(waiting)))].left
        place = leaving[at].popleft()
        del waiting[place]
        entered[steps[place].entered] -= 1
        found.append(steps[place])
        at = steps[place].entered
    return found
