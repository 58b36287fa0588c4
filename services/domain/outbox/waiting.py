"""A command waits for a time or a condition, goes again once that is over, or expires."""

from typing import Any

from msgspec.structs import replace

from services.domain.due import Due
from services.domain.outbox.entry import Entry, due, kept, settled
from services.domain.outbox.facts import Judged, Released
from services.domain.outbox.steps import Step, verdict_step
from services.domain.outbox.verdicts import Verdict, expired


def judged(entry: Entry, event: Judged) -> tuple[Entry, list[Step]]:
    decision = event.verdict.decision
    if entry.state != "pending" or decision == "allow":
        return entry, []
    if decision == "deferred":
        return deferred(entry, event.at, event.verdict, event.receipt)
    return settled(entry, event.at), [verdict_step(entry, decision, event.at, event.verdict, event.receipt)]


def deferred(entry: Entry, at: str, verdict: Verdict, receipt: Any) -> tuple[Entry, list[Step]]:
    """It waits, out of its key's order and its lane; or stays in both, where the lane is stopped. Told once."""
    if verdict.until is not None or verdict.condition is not None:
        entry = replace(entry, state="deferred", until=verdict.until, condition=verdict.condition, deadline=None)
    if verdict.why in entry.waited_for:
        return entry, []
    told = verdict_step(entry, "deferred", at, verdict, receipt)
    return replace(entry, waited_for=kept(entry.waited_for, verdict.why)), [told]


def released(entry: Entry, event: Released) -> tuple[Entry, list[Step]]:
    if entry.state != "deferred" or entry.condition != event.condition:
        return entry, []
    return _freed(entry, event.at), []


def _freed(entry: Entry, at: str) -> Entry:
    """It may go again: in its key's order by acceptance, in its lane by the time of its release."""
    return replace(entry, state="pending", until=None, condition=None, released_at=at)


def woken(entry: Entry, event: Due) -> tuple[Entry | None, list[Step]]:
    """The time has come that its row asked for."""
    asked = due(entry)
    if asked is None or asked > event.at:
        return entry, []
    if entry.command is None:
        return None, []
    if entry.until == asked:
        return _freed(entry, event.at), []
    # Nothing but the time was looked at. Its id is remembered from when it came: it may have been too late already.
    verdict = expired(entry.command.not_after)
    told = verdict_step(entry, "expired", event.at, verdict, None)
    return settled(entry, max(event.at, entry.command.accepted_at)), [told]
