"""A command that still waits is to go at another time. What it waits for otherwise holds it all the same."""

from typing import Any

from msgspec.structs import replace

from services.domain.outbox.accepted import RescheduleAccepted
from services.domain.outbox.entry import REMEMBER_OTHERS, Entry, kept, nameless
from services.domain.outbox.steps import Step, StepName, step_of

_NOT_COME = "no such command has come; say it again once it is accepted"
_TOO_OFTEN = f"it was said {REMEMBER_OTHERS} times already when it is to go"
_REMEDY = "Its results say how far it has come. If it is still wanted, produce it under a new command id."


def reschedule(entry: Entry | None, event: RescheduleAccepted) -> tuple[Entry | None, list[Step]]:
    if entry is None:
        # Nothing is remembered of it.
        return None, [_answer(nameless(event), "reschedule_refused", event, _NOT_COME)]
    if event.event_id in entry.answered:
        return entry, []
    if len(entry.answered) >= REMEMBER_OTHERS:
        # Of one more the first would be forgotten, and count as the last should its record come again.
        return entry, [_answer(entry, "reschedule_refused", event, _TOO_OFTEN, "Cancel it, and produce a new command.")]
    entry = replace(entry, answered=kept(entry.answered, event.event_id))
    if not entry.fingerprint:
        return entry, [_answer(entry, "reschedule_refused", event, _NOT_COME)]
    if entry.state not in ("pending", "deferred") or entry.command is None:
        why = "it has ended, is being sent, or may have been sent"
        return entry, [_answer(entry, "reschedule_refused", event, why, _REMEDY)]
    command: Any = entry.command
    not_after = event.not_after or command.not_after
    if event.not_before is not None and event.not_before >= not_after:
        why = f"it is to go until {not_after}, and this is not before that"
        return entry, [_answer(entry, "reschedule_refused", event, why, "Say it again, with a not_after beside it.")]
    moved = replace(entry, command=replace(command, not_before=event.not_before, not_after=not_after))
    return _waiting(moved, event, command.not_before), [_answer(moved, "rescheduled", event, _by(event))]


def _waiting(entry: Entry, event: RescheduleAccepted, before: str | None) -> Entry:
    """`before`: its own time until now."""
    if entry.condition is not None or (entry.until is not None and entry.until != before):
        # It waits for something else: a retry's time, the night's end. The gate looks at its own once that is over.
        return entry
    if event.not_before is not None and event.not_before > event.accepted_at:
        return replace(entry, state="deferred", until=event.not_before, deadline=None)
    if entry.state == "pending":
        return entry
    return replace(entry, state="pending", until=None, released_at=event.accepted_at)


def _by(event: RescheduleAccepted) -> str:
    when = f"not before {event.not_before}" if event.not_before else "as soon as it may"
    return f"{when}, by {event.by}{f': {event.note}' if event.note else ''}"


def _answer(entry: Entry, name: StepName, event: RescheduleAccepted, why: str, remedy: str | None = None) -> Step:
    return step_of(entry, name, event.accepted_at, event.event_id, category="rescheduled", reason=why, remedy=remedy)
