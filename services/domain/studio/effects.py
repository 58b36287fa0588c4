"""What follows from the steps of a command that starts an execution, in the outbox's words."""

from collections.abc import Sequence
from typing import Any

from services.domain.identity import derived_event_id
from services.domain.outbox.effects import Effects
from services.domain.outbox.entry import End, Entry
from services.domain.outbox.facts import Created
from services.domain.outbox.steps import Step
from services.domain.results import CommandResult, result
from services.domain.studio.commands import KIND, ExecutionAccepted
from services.domain.studio.events import ContactExecution, Exposure


class ExecutionCreated(Created, frozen=True, kw_only=True):
    """Twilio started the execution: `sid`, FN…. `started_at`: as Twilio shows it, where that was looked up."""

    started_at: str | None = None


def _result(step: Step) -> CommandResult:
    """`execution_sid`: of what was started, or of what stood in its way."""
    conflict = step.refused.conflict if step.refused else None
    return result(step, execution_sid=step.sid or conflict)


def _overrules(_: End, known: End | None) -> bool:
    """No execution has more than one end."""
    return known is None


def _created(entry: Entry[Any], created: Any, at: str, source: str) -> Sequence[ContactExecution]:
    """Whoever says STOP is taken out of it, also where nobody reads the flow."""
    command = entry.command
    if not isinstance(command, ExecutionAccepted):
        return ()
    begun = ContactExecution(
        event_id=derived_event_id(source, "contact_execution", f"{entry.order_key} {entry.command_id}"),
        tenant=entry.tenant,
        contact=command.contact,
        at=at,
        account_sid="",
        flow_sid=command.flow_sid,
        execution_sid=created.sid,
        status="active",
        begun="command",
        # It may be found out hours after, and a STOP may have come between.
        started_at=created.started_at or entry.ambiguous_at or at,
        exposure=_exposure(command),
    )
    return (begun,)


def _exposure(command: ExecutionAccepted) -> Exposure | None:
    if command.experiment is None or command.arm is None:
        return None
    return Exposure(experiment=command.experiment, arm=command.arm, command_id=command.command_id, label=command.label)


# No fact of an execution names its command, so none settles one: what has no known end is a person's to resolve. Twilio
# takes each create as a new one.
EFFECTS = Effects(
    kind=KIND,
    command=ExecutionAccepted,
    result=_result,
    created=_created,
    refused=lambda _entry, _refused, _at, _source: (),
    ended="execution",
    overrules=_overrules,
)
