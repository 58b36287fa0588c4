"""Send commands, their resolutions and cancels, as they are produced."""

from services.contract.commands import read_message_command
from services.contract.messages import INTAKE_FOLD, MESSAGES
from services.domain.about_another import cancel
from services.domain.identity import Place
from services.domain.messages import about, intake
from services.domain.messages.commands import (
    CancelMessage,
    CommandAccepted,
    RescheduleMessage,
    ResolveAmbiguous,
    SendMessage,
)
from services.domain.messages.intake import Rules
from services.domain.outbox.accepted import CancelAccepted, RescheduleAccepted, ResolutionAccepted
from services.sender.commands import Commands


def _accept(
    command: SendMessage | ResolveAmbiguous | CancelMessage | RescheduleMessage,
    rules: Rules,
    at: str,
    since: str,
    place: Place,
) -> CommandAccepted | ResolutionAccepted | CancelAccepted | RescheduleAccepted | list[str]:
    match command:
        case SendMessage():
            return intake.accept(command, rules, at, place, since)
        case ResolveAmbiguous():
            return about.resolve(command, rules, at, place)
        case CancelMessage():
            return cancel(command, rules.contact_secret, at, place)
        case RescheduleMessage():
            return about.reschedule(command, rules, at, place, since)


_ABOUT_ANOTHER = ("resolve_ambiguous", "cancel_message", "reschedule_message")
COMMANDS = Commands(MESSAGES, INTAKE_FOLD, read_message_command, _accept, _ABOUT_ANOTHER)
