"""Looks up at Twilio the messages that resolutions name, before one of them ends a command: anybody may say so."""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from requests import RequestException
from twilio.base.exceptions import TwilioException

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.effects import MessageCreated
from services.domain.messages.finding import span, why_not
from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Checked
from services.domain.outbox.lists import IN_DOUBT
from services.runtime.clock import now
from services.runtime.folding.partition import Flush, Partition
from services.runtime.folding.runner import Listener
from services.sender.dates import Dates
from services.sender.dispatcher import tell
from services.sender.rows import listed_rows, others_of
from services.sender.topology import OUTBOX

logger = logging.getLogger(__name__)

# After a look that Twilio did not answer; then the last of them, for as long as it takes.
_AGAIN_S = (1.0, 5.0, 30.0, 300.0)
_ASKED_TOGETHER = 2


class Times(NamedTuple):
    """Seconds that bound when an attempt was made."""

    attempt_deadline_s: float
    request_timeout_s: float


class Claims(Listener):
    """A task for each command of the partitions owned that has claims; `dates` gives a tenant's messages."""

    def __init__(self, dates: Callable[[str], Dates | None], times: Times) -> None:
        self._dates = dates
        self._times = times
        self._asking = asyncio.Semaphore(_ASKED_TOGETHER)
        self._tasks: dict[Partition, dict[str, asyncio.Task[None]]] = {}

    async def taken(self, partition: Partition) -> None:
        self._tasks[partition] = {}
        async for key, row in listed_rows(partition, OUTBOX, IN_DOUBT):
            self._note(partition, key, row)

    async def flushed(self, partition: Partition, flush: Flush) -> None:
        for key, entry in flush.rows.get(OUTBOX, {}).items():
            self._note(partition, key, entry)

    async def leaving(self, partition: Partition) -> None:
        for task in self._tasks.pop(partition, {}).values():
            task.cancel()

    def _note(self, partition: Partition, key: str, entry: Entry | None) -> None:
        tasks = self._tasks.get(partition)
        if tasks is None or entry is None or not entry.claims or key in tasks:
            return
        task = tasks[key] = asyncio.create_task(self._look(partition, key), name="claims")
        task.add_done_callback(tell)

    async def _look(self, partition: Partition, key: str) -> None:
        try:
            await self._look_up(partition, key)
        finally:
            # At once: what comes next begins a task of its own.
            self._tasks.get(partition, {}).pop(key, None)

    async def _look_up(self, partition: Partition, key: str) -> None:
        """One claim after the other, until none is left."""
        failed = 0
        while (entry := partition.read(key, OUTBOX)) is not None and entry.claims:
            try:
                async with self._asking:
                    checked = await self._checked(partition, entry, entry.claims[0])
            except (TwilioException, RequestException, OSError, ValueError) as error:
                # Its text may have an address in a URL.
                logger.warning("a message of %s cannot be looked up: %s", entry.tenant, type(error).__name__)
                checked = None
            if checked is not None:
                failed = 0
                await partition.submit(checked)
                continue
            await asyncio.sleep(_AGAIN_S[min(failed, len(_AGAIN_S) - 1)])
            failed += 1

    async def _checked(self, partition: Partition, entry: Entry, claim: ResolutionAccepted) -> Checked | None:
        """What Twilio says of a claim; None where nobody can ask it now."""
        messages = self._dates(entry.tenant)
        when = span(entry, *self._times)
        if messages is None or when is None or not isinstance(entry.command, CommandAccepted):
            return None
        found = await messages.message(claim.sid or "")
        refused = why_not(entry.command, when, found, messages.accounts, others_of(partition, entry).sids)
        created = MessageCreated(sid=found.sid, status=found.status, from_=found.from_) if found else None
        return Checked(
            order_key=entry.order_key,
            command_id=entry.command_id,
            at=now(),
            resolution=claim.event_id,
            refused=refused,
            created=created if refused is None else None,
        )
