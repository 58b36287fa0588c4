"""What follows from the steps of a command that starts an execution, in the outbox's words."""

from services.domain.outbox.effects import Effects
from services.domain.outbox.entry import End
from services.domain.outbox.facts import Created
from services.domain.outbox.steps import Step
from services.domain.results import CommandResult, result
from services.domain.studio.commands import KIND, ExecutionAccepted


class ExecutionCreated(Created, frozen=True, kw_only=True):
    """Twilio started the execution: `sid`, FN…."""


def _result(step: Step) -> CommandResult:
    """`execution_sid`: of what was started, or of what stood in its way."""
    conflict = step.refused.conflict if step.refused else None
    return result(step, execution_sid=step.sid or conflict)


def _overrules(_: End, known: End | None) -> bool:
    """No execution has more than one end."""
    return known is None


# No fact of an execution names its command, so none settles one: what has no known end is a person's to resolve. Twilio
# takes each create as a new one.
EFFECTS = Effects(
    kind=KIND,
    command=ExecutionAccepted,
    result=_result,
    created=lambda _entry, _created, _at, _source: (),
    refused=lambda _entry, _refused, _at, _source: (),
    ended="execution",
    overrules=_overrules,
)
