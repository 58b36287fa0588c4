"""Commands about messages that exist, as they are produced."""

from services.contract.commands import read_follow_up
from services.contract.followups import FOLLOWUPS, FOLLOWUPS_FOLD
from services.domain.followups import intake
from services.domain.followups.commands import FollowUp, FollowUpAccepted
from services.domain.identity import Place
from services.domain.messages.intake import Rules
from services.sender.commands import Commands


def _accept(command: FollowUp, rules: Rules, at: str, since: str, place: Place) -> FollowUpAccepted | list[str]:
    return intake.accept(command, rules, at, place, since)


COMMANDS = Commands(FOLLOWUPS, FOLLOWUPS_FOLD, read_follow_up, _accept)
