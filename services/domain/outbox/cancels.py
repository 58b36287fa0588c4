"""A command is not wanted any more. A cancel that comes first is remembered as long as a command."""

from msgspec.structs import replace

from services.domain.clock import later
from services.domain.outbox.accepted import CancelAccepted
from services.domain.outbox.entry import REMEMBER_DAYS, Entry, kept, nameless, settled
from services.domain.outbox.steps import Step, StepName, step_of

_NOT_YET = "no such command has come yet; it is canceled when it comes"
_UNDER_WAY = "it is being sent; should Twilio not take it, it is canceled"
_IN_DOUBT = "it may have been sent; it is not tried again"


def cancel(entry: Entry | None, event: CancelAccepted) -> tuple[Entry, list[Step]]:
    if entry is None:
        return _remembered(event)
    if event.event_id in entry.answered:
        return entry, []
    at = event.accepted_at
    entry = replace(entry, answered=kept(entry.answered, event.event_id))
    if not entry.fingerprint:
        forget_at = max(entry.forget_at or "", later(at, REMEMBER_DAYS * 86_400))
        return replace(entry, forget_at=forget_at), [_answer(entry, "cancel_remembered", event, _NOT_YET)]
    if entry.state in ("pending", "deferred"):
        ended, told = canceled(entry, event, at)
        return ended, [told]
    if entry.state == "attempted":
        return replace(entry, cancel=event), [_answer(entry, "cancel_too_late", event, _UNDER_WAY)]
    why = _IN_DOUBT if entry.state == "ambiguous" else "it has ended before"
    return entry, [_answer(entry, "cancel_too_late", event, why)]


def canceled(entry: Entry, event: CancelAccepted, at: str) -> tuple[Entry, Step]:
    """A cancel ends it."""
    return settled(entry, at), step_of(
        entry,
        "canceled",
        at,
        event.event_id,
        category="canceled",
        reason=f"canceled by {event.by}{f': {event.note}' if event.note else ''}",
    )


def _remembered(event: CancelAccepted) -> tuple[Entry, list[Step]]:
    forget_at = later(event.accepted_at, REMEMBER_DAYS * 86_400)
    entry = replace(nameless(event), forget_at=forget_at, cancel=event, answered=(event.event_id,))
    return entry, [_answer(entry, "cancel_remembered", event, _NOT_YET)]


def _answer(entry: Entry, name: StepName, event: CancelAccepted, why: str) -> Step:
    """What a cancel is told that ended nothing."""
    return step_of(entry, name, event.accepted_at, event.event_id, category="canceled", reason=why)
