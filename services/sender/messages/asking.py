"""What the gate looks at of a send command."""

from services.domain.consent.scopes import scopes_of
from services.domain.gate import Question
from services.domain.messages.commands import CommandAccepted


def ask(command: CommandAccepted) -> Question:
    """What the gate looks at of a command."""
    return Question(
        tenant=command.tenant,
        channel=command.channel,
        sender=command.sender,
        scopes=list(scopes_of(command.from_, command.messaging_service_sid)),
        template=command.content_sid is not None,
        not_after=command.not_after,
        country=command.country,
        confirms=command.confirms,
        not_before=command.not_before,
        label=command.label,
        contact=command.contact,
        purpose=command.purpose,
    )
