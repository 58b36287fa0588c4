"""Looks up at Twilio the execution that a resolution names."""

from collections.abc import Mapping

from services.domain.messages.finding import span
from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Checked
from services.domain.studio.commands import ExecutionAccepted
from services.domain.studio.effects import ExecutionCreated
from services.domain.studio.finding import Shown, why_not
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.folding.partition import Partition
from services.sender.rows import others_of
from services.sender.studio.asked import Executions


class Checking:
    """`settings`: of the sender; `executions`: by tenant, whoever asks Twilio for them."""

    def __init__(self, settings: Settings, executions: Mapping[str, Executions]) -> None:
        self._times = settings.sender.attempt_deadline_s, settings.sender.request_timeout_s
        self._executions = executions

    async def check(self, partition: Partition, entry: Entry, claim: ResolutionAccepted) -> Checked | None:
        """What Twilio says of a claim; None where nobody can ask it now."""
        when, asked, command = span(entry, *self._times), self._executions.get(entry.tenant), entry.command
        if when is None or asked is None or not isinstance(command, ExecutionAccepted):
            return None
        found = await asked.find(command.flow_sid, claim.sid or "")
        refused = why_not(command, when, found, asked.account, others_of(partition, entry).sids)
        return Checked(
            order_key=entry.order_key,
            command_id=entry.command_id,
            at=now(),
            resolution=claim.event_id,
            refused=refused,
            created=_created(found) if found is not None and refused is None else None,
        )


def _created(found: Shown) -> ExecutionCreated:
    return ExecutionCreated(sid=found.sid, started_at=found.created_at)
