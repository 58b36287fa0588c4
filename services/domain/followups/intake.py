"""Is a command about a message one that could be carried out, and what is it exactly? Pure; all faults at once."""

from services.domain.commands import check_names, contact_of, event_id, fingerprint, times_of
from services.domain.followups.commands import FollowUp, FollowUpAccepted
from services.domain.identity import Place
from services.domain.messages.intake import Rules
from services.domain.sids import COMMAND_ID, MESSAGE

# WhatsApp shows it for 25 seconds: what comes much later is shown to somebody who has gone.
_TYPING_S = 60.0


def accept(command: FollowUp, rules: Rules, at: str, place: Place, since: str) -> FollowUpAccepted | list[str]:
    """The accepted command, or all that is wrong with it, a sentence each.

    `at` is when it was written to the log, `place` where there. It lives as one that was produced at `since`, where
    that is earlier.
    """
    faults: list[str] = []
    contact = contact_of(command, rules.contact_secret, faults)
    lifetime = min(_TYPING_S, rules.lifetime) if command.action == "typing" else rules.lifetime
    times = times_of(command, lifetime, at, since, faults)
    check_names(command.command_id, command.label, faults)
    _check(command, faults)
    if faults:
        return faults
    return FollowUpAccepted(
        event_id=event_id("follow_up_accepted", command, contact, at, place),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        sequence=place.offset,
        not_before=times.not_before,
        not_after=times.not_after,
        fingerprint=fingerprint(command),
        action=command.action,
        to=command.to or "",
        of_command=command.of_command,
        message_sid=command.message_sid,
        outcome=command.outcome,
        label=command.label,
    )


def _check(command: FollowUp, faults: list[str]) -> None:
    if (command.of_command is None) == (command.message_sid is None):
        faults.append("of_command, message_sid: give one of them")
    if command.of_command is not None and not COMMAND_ID.fullmatch(command.of_command):
        faults.append("of_command: the id of the command that created the message")
    if command.message_sid is not None and not MESSAGE.fullmatch(command.message_sid):
        faults.append("message_sid: SM or MM and 32 hex digits")
    if command.action == "typing" and command.message_sid is None:
        faults.append("message_sid: typing answers a message of theirs; name that")
    if command.action == "typing" and command.to is None:
        faults.append("to: typing is shown to somebody; name their address")
    if (command.outcome is None) == (command.action == "feedback"):
        faults.append("outcome: confirmed or unconfirmed, of a feedback and of nothing else")
