"""Commands that start executions, their resolutions and cancels, as they are produced."""

from services.contract.commands import read_execution_command
from services.contract.studio import STARTS, STARTS_FOLD
from services.domain.about_another import cancel
from services.domain.identity import Place
from services.domain.messages.intake import Rules
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted
from services.domain.studio import intake
from services.domain.studio.commands import CancelExecution, ExecutionAccepted, ResolveExecution, StartExecution
from services.sender.commands import Commands


def _accept(
    command: StartExecution | ResolveExecution | CancelExecution, rules: Rules, at: str, since: str, place: Place
) -> ExecutionAccepted | ResolutionAccepted | CancelAccepted | list[str]:
    match command:
        case StartExecution():
            return intake.accept(command, rules, at, place, since)
        case ResolveExecution():
            return intake.resolve(command, rules, at, place)
        case CancelExecution():
            return cancel(command, rules.contact_secret, at, place)


COMMANDS = Commands(STARTS, STARTS_FOLD, read_execution_command, _accept, ("resolve_execution", "cancel_execution"))
