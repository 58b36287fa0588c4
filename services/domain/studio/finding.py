"""Is an execution that a person names the one that an ambiguous command started? What Twilio says of it, purely."""

from collections.abc import Collection
from typing import NamedTuple

from services.domain.clock import later
from services.domain.contact import canonical
from services.domain.messages.finding import MARGIN_S, Span
from services.domain.studio.commands import ExecutionAccepted


class Shown(NamedTuple):
    """An execution as Twilio shows it. `created_at` as it stands on the log."""

    sid: str
    account: str
    contact: str
    created_at: str


def why_not(
    command: ExecutionAccepted, when: Span, found: Shown | None, account: str, known: Collection[str]
) -> str | None:
    """Why it is not this command's; None: all that can be looked at fits.

    `found`: None where the command's flow has no such. `account`: the tenant's; `known`: the sids of what other
    commands to the person created. Whether something else started it does not show.
    """
    if found is None:
        return f"Twilio has no such execution of the flow {command.flow_sid}"
    if found.account != account:
        return "it is of another account"
    if found.sid in known:
        return "it is another command's execution"
    if canonical(found.contact) != canonical(command.to):
        return "somebody else is in it"
    if found.created_at < later(when.begun, -MARGIN_S):
        return "it was started before the command was tried"
    return None
