"""What the gate looks at of a command about a message."""

from services.domain.followups.commands import FollowUpAccepted
from services.domain.gate.question import Question


def ask(command: FollowUpAccepted) -> Question:
    """Typing is seen by the person; of all else they get nothing."""
    return Question(
        tenant=command.tenant,
        channel=command.channel,
        sender=command.sender,
        scopes=[],
        template=False,
        not_after=command.not_after,
        not_before=command.not_before,
        label=command.label,
        contact=command.contact,
        act="sign" if command.action == "typing" else "record",
    )
