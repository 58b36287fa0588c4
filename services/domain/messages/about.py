"""Commands about a send that was taken before: what became of it, and when it is to go."""

from services.domain import about_another
from services.domain.about_another import Proof
from services.domain.commands import contact_of, event_id, times_of
from services.domain.identity import Place
from services.domain.messages.commands import RescheduleMessage, ResolveAmbiguous
from services.domain.messages.intake import Rules
from services.domain.outbox.accepted import RescheduleAccepted, ResolutionAccepted
from services.domain.sids import MESSAGE


def resolve(command: ResolveAmbiguous, rules: Rules, at: str, place: Place) -> ResolutionAccepted | list[str]:
    """What a person found out about an ambiguous command, or all that is wrong with it, a sentence each."""
    wrong = "message_sid: SM or MM and 32 hex digits; it is the proof that the message was created"
    return about_another.resolve(command, Proof(command.message_sid, MESSAGE, wrong), rules.contact_secret, at, place)


def reschedule(
    command: RescheduleMessage, rules: Rules, at: str, place: Place, since: str
) -> RescheduleAccepted | list[str]:
    """Another time at which a command is to go; the same."""
    faults: list[str] = []
    contact = contact_of(command, rules.contact_secret, faults)
    times = times_of(command, rules.lifetime, at, since, faults)
    about_another.said_by(command, faults)
    if faults:
        return faults
    return RescheduleAccepted(
        event_id=event_id("reschedule_accepted", command, contact, at, place),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        not_before=times.not_before,
        # An offer's end is its producer's: nothing else is put in its place.
        not_after=times.not_after if command.not_after is not None else None,
        by=command.by,
        note=command.note,
    )
