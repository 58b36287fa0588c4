"""Ends at Twilio what somebody is in who wants nothing any more. To end it twice does nothing twice.

What is to be ended follows from two rows of its contact, so whoever owns their partition does it, after a restart too,
until it is done or is not to be done any more. No pause stops it: it writes to nobody.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from functools import partial

from prometheus_client import Counter
from requests import RequestException
from twilio.base.exceptions import TwilioException

from services.domain.studio.stopping import OPEN, InFlows, stopped, to_end
from services.runtime.clock import now
from services.runtime.failpoints import reach
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.sender.metrics import SENDER
from services.sender.rows import listed_rows
from services.sender.studio.asked import Executions
from services.sender.tables import IN_FLOWS, SUPPRESSION
from services.sender.tasks import tell

logger = logging.getLogger(__name__)

STOPPED = Counter(
    "switchboard_studio_stopped_total",
    "Executions that were to be ended because their contact wants nothing any more: ended, over (they had ended, or "
    "Twilio knows none such), failed (Twilio did not do it; it is tried again)",
    ["tenant", "outcome"],
    registry=SENDER,
)

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0


class Stopping(Listener):
    """A task for each execution that is to be ended. `executions`: by tenant, whoever asks Twilio for it."""

    def __init__(self, executions: Mapping[str, Executions]) -> None:
        self._executions = executions
        self._tasks: dict[Partition, dict[str, asyncio.Task[None]]] = {}

    async def taken(self, partition: Partition) -> None:
        self._tasks[partition] = {}
        async for contact, _ in listed_rows(partition, IN_FLOWS, OPEN):
            self._look(partition, contact)

    async def folded(self, partition: Partition, changed: Changed) -> None:
        for contact in _touched(changed):
            self._look(partition, contact)

    async def leaving(self, partition: Partition) -> None:
        for task in self._tasks.pop(partition, {}).values():
            task.cancel()

    def _look(self, partition: Partition, contact: str) -> None:
        tasks = self._tasks.get(partition)
        if tasks is None:
            return
        for sid in _wanted(partition, contact):
            if sid not in tasks:
                tasks[sid] = task = asyncio.create_task(self._end(partition, contact, sid))
                task.add_done_callback(tell)
                task.add_done_callback(partial(self._over, partition, contact, sid))

    def _over(self, partition: Partition, contact: str, sid: str, task: "asyncio.Task[None]") -> None:
        if (tasks := self._tasks.get(partition)) is None:
            return
        tasks.pop(sid, None)
        if not task.cancelled() and task.exception() is None:
            # What was folded while it came to its end.
            self._look(partition, contact)

    async def _end(self, partition: Partition, contact: str, sid: str) -> None:
        wait_s = _FIRST_WAIT_S
        while by := _wanted(partition, contact).get(sid):
            row: InFlows = partition.read(contact, IN_FLOWS)
            ended = await self._call(row, sid)
            if ended is not None:
                reach("execution.stopped")
                await partition.submit(stopped(row, sid, by, not ended, now()))
                STOPPED.labels(row.tenant, "ended" if ended else "over").inc()
                return
            STOPPED.labels(row.tenant, "failed").inc()
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _call(self, row: InFlows, sid: str) -> bool | None:
        """Whether Twilio ended it; False: there was nothing to be ended; None: nobody knows."""
        executions, one = self._executions.get(row.tenant), row.executions[sid]
        if executions is None:
            # This worker does not know the tenant yet.
            return None
        try:
            return await executions.end(one.account_sid, one.flow_sid, sid)
        except (TwilioException, RequestException, OSError) as error:
            logger.warning("an execution of %s cannot be ended: %s", row.tenant, type(error).__name__)
            return None


def _wanted(partition: Partition, contact: str) -> dict[str, str]:
    return to_end(partition.read(contact, IN_FLOWS), partition.read(contact, SUPPRESSION))


def _touched(changed: Changed) -> Iterable[str]:
    """Whose rows have changed."""
    return {**changed.rows.get(IN_FLOWS, {}), **changed.rows.get(SUPPRESSION, {})}
