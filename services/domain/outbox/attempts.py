"""An attempt: it is on the log before the call. Nothing leads from it back to `pending` but the proof that Twilio
created nothing."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.errors import explain
from services.domain.outbox.cancels import canceled
from services.domain.outbox.effects import Effects
from services.domain.outbox.entry import Entry, settled
from services.domain.outbox.facts import Attempted, Attempting, Created, Refused, Unknown
from services.domain.outbox.steps import Step, refusal_step, step_of
from services.domain.outbox.verdicts import Verdict
from services.domain.outbox.waiting import deferred

Told = Sequence[Step | msgspec.Struct]


def attempting(entry: Entry, event: Attempting) -> tuple[Entry, list[Step]]:
    if entry.state != "pending" or event.attempt != entry.attempt + 1:
        return entry, []
    attempted = replace(
        entry,
        state="attempted",
        attempt=event.attempt,
        deadline=event.deadline,
        purpose=event.purpose,
        spend=event.spend,
    )
    return attempted, [step_of(attempted, "attempted", event.at, source_of(attempted), receipt=event.receipt)]


def attempted(entry: Entry, event: Attempted, effects: Effects) -> tuple[Entry, Told]:
    if entry.state != "attempted" or event.attempt != entry.attempt:
        return entry, []
    source = source_of(entry)
    match event.outcome:
        case Created() as created:
            sent = settled(entry, event.at, created.sid)
            told = step_of(sent, "sent", event.at, source, reason=created.note)
            return sent, [told, *effects.created(entry, created, event.at, source)]
        case Unknown() as unknown if effects.repeatable:
            # Also of a worker that went away.
            retry_at = later(event.at, _backoff_s(event.attempt))
            again = Refused(code=None, reason=unknown.reason, retry_at=retry_at, request_id=unknown.request_id)
            return _given_back(entry, event.at, source, again)
        case Unknown(reason=reason, request_id=request_id):
            ambiguous = replace(entry, state="ambiguous", ambiguous_at=event.at)
            return ambiguous, [step_of(ambiguous, "ambiguous", event.at, source, reason=reason, request_id=request_id)]
        case Refused() as refused if refused.retry_at is not None or refused.fault is not None:
            return _given_back(entry, event.at, source, refused)
        case Refused() as refused:
            failed = settled(entry, event.at)
            told = refusal_step(failed, "failed", event.at, source, refused)
            return failed, [told, *effects.refused(entry, refused, event.at, source)]


def _backoff_s(attempt: int) -> float:
    return min(60.0, 2.0 ** min(attempt - 1, 10))


def source_of(entry: Entry) -> str:
    """What the ids of an attempt's events are made of."""
    return f"{entry.fingerprint}:{entry.attempt}"


def _given_back(entry: Entry, at: str, source: str, refused: Refused) -> tuple[Entry, list[Step]]:
    """It is to be tried again: now in its place, or out of the order after a while."""
    waiting = replace(entry, state="pending", deadline=None)
    if entry.cancel is not None:
        ended, end = canceled(entry, entry.cancel, at)
        return ended, [refusal_step(waiting, "retrying", at, source, refused), end]
    if refused.fault is not None:
        held = Verdict("deferred", refused.fault, refused.reason, explain(refused.code).remedy)
        waiting, told = deferred(waiting, at, held, None)
        if told:
            return waiting, [replace(one, code=refused.code, request_id=refused.request_id) for one in told]
    elif refused.retry_at is not None and refused.retry_at > at:
        waiting = replace(waiting, state="deferred", until=refused.retry_at)
    return waiting, [refusal_step(waiting, "retrying", at, source, refused)]
