"""A person says how an ambiguous command ended. Anybody who may produce may say so: what they name counts once Twilio
has said that it is this command's."""

from msgspec.structs import replace

from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.outbox.attempts import Told, source_of
from services.domain.outbox.effects import Effects
from services.domain.outbox.entry import Entry, kept, settled
from services.domain.outbox.facts import Checked
from services.domain.outbox.settling import found_out
from services.domain.outbox.steps import Step, step_of

# Of one command; one more is refused at once, so that none that waits is dropped.
MOST_CLAIMS = 8


def resolved(entry: Entry, event: ResolutionAccepted) -> tuple[Entry, list[Step]]:
    # Of a command that waits, or is being tried, nobody can know the end yet.
    if entry.state != "ambiguous":
        return entry, []
    if event.outcome == "sent":
        return _claimed(entry, event)
    return settled(entry, event.accepted_at), [
        step_of(
            entry,
            "failed",
            event.accepted_at,
            source_of(entry),
            category="ambiguous",
            reason=f"not sent, as found out by {_by_whom(event)}",
            remedy="If it is still wanted, produce it again under a new command id.",
        )
    ]


def _claimed(entry: Entry, event: ResolutionAccepted) -> tuple[Entry, list[Step]]:
    if event.event_id in (*entry.answered, *(one.event_id for one in entry.claims)):
        return entry, []
    if len(entry.claims) >= MOST_CLAIMS:
        return _refuted(entry, event, event.accepted_at, "others wait to be looked up; say it again in a minute")
    return replace(entry, claims=(*entry.claims, event)), []


def checked(entry: Entry, event: Checked, effects: Effects) -> tuple[Entry, Told]:
    """What a claim names was looked up."""
    claim = next((one for one in entry.claims if one.event_id == event.resolution), None)
    if claim is None:
        return entry, []
    if event.created is None:
        return _refuted(entry, claim, event.at, event.refused or "it is not this command's")
    return found_out(entry, event.created, _by_whom(claim), event.at, effects)


def _refuted(entry: Entry, claim: ResolutionAccepted, at: str, why: str) -> tuple[Entry, list[Step]]:
    claims = tuple(one for one in entry.claims if one is not claim)
    known = replace(entry, answered=kept(entry.answered, claim.event_id), claims=claims)
    reason = f"{claim.sid}, said by {_by_whom(claim)}: {why}"
    return known, [step_of(entry, "resolution_refused", at, claim.event_id, category="ambiguous", reason=reason)]


def _by_whom(event: ResolutionAccepted) -> str:
    return f"{event.by}{f': {event.note}' if event.note else ''}"
