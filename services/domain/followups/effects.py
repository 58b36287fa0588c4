"""What follows from the steps of a command about a message, in the outbox's words."""

from services.domain.followups.commands import KIND, FollowUpAccepted
from services.domain.outbox.effects import Effects
from services.domain.outbox.entry import End
from services.domain.outbox.facts import Created
from services.domain.outbox.steps import Step
from services.domain.results import CommandResult, result


class FollowedUp(Created, frozen=True, kw_only=True):
    """Twilio did it. `sid`: of the message."""


def _result(step: Step) -> CommandResult:
    return result(step, contact=step.order_key.removesuffix(f"|{KIND}"), message_sid=step.sid)


def _overrules(_: End, known: End | None) -> bool:
    """Nothing comes after it."""
    return known is None


# To do any of it twice comes to the same, so that a call without a known end is made again.
EFFECTS = Effects(
    kind=KIND,
    command=FollowUpAccepted,
    result=_result,
    created=lambda _entry, _created, _at, _source: (),
    refused=lambda _entry, _refused, _at, _source: (),
    ended=KIND,
    overrules=_overrules,
    repeatable=True,
)
