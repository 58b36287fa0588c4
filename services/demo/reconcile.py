"""Two ends into rows, purely: what was produced and Twilio saw, against what the log and the tables say."""

from services.demo import reconcile_commands, reconcile_contacts, reconcile_executions, reconcile_messages
from services.demo.rows import Ends, Row


def reconcile(ends: Ends) -> list[Row]:
    """All rows: what was asked for, what came of it at Twilio, what the log says of messages, flows and people."""
    return [
        *reconcile_commands.rows(ends),
        *reconcile_messages.rows(ends),
        *reconcile_executions.rows(ends),
        *reconcile_contacts.rows(ends),
    ]
