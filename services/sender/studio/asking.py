"""What the gate looks at of a command that starts an execution."""

from services.domain.consent.scopes import scopes_of
from services.domain.gate.question import Question
from services.domain.studio.commands import ExecutionAccepted


def ask(command: ExecutionAccepted) -> Question:
    """The flow writes at Twilio, and nobody here sees what: it may be a free text or a template."""
    return Question(
        tenant=command.tenant,
        channel=command.channel,
        sender=command.sender,
        scopes=list(scopes_of(command.from_, command.messaging_service_sid)),
        template=False,
        not_after=command.not_after,
        country=command.country,
        not_before=command.not_before,
        label=command.label,
        contact=command.contact,
        purpose=command.purpose,
        unseen=True,
    )
