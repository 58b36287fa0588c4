"""Send commands, their resolutions and cancels, as they are produced."""

from services.contract.commands import read_message_command
from services.contract.messages import INTAKE_FOLD, MESSAGES
from services.domain.commands import cancel
from services.domain.identity import Place
from services.domain.messages import intake
from services.domain.messages.commands import CancelMessage, CommandAccepted, ResolveAmbiguous, SendMessage
from services.domain.messages.intake import Rules
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted
from services.sender.commands import Commands


def _accept(
    command: SendMessage | ResolveAmbiguous | CancelMessage, rules: Rules, at: str, since: str, place: Place
) -> CommandAccepted | ResolutionAccepted | CancelAccepted | list[str]:
    match command:
        case SendMessage():
            return intake.accept(command, rules, at, place, since)
        case ResolveAmbiguous():
            return intake.resolve(command, rules, at, place)
        case CancelMessage():
            return cancel(command, rules.contact_secret, at, place)


COMMANDS = Commands(MESSAGES, INTAKE_FOLD, read_message_command, _accept, ("resolve_ambiguous", "cancel_message"))
