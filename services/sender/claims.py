"""Looks up at Twilio what resolutions name, before one of them ends a command: anybody may say so."""

import asyncio
import logging

from requests import RequestException
from twilio.base.exceptions import TwilioException

from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Checked
from services.domain.outbox.lists import IN_DOUBT
from services.runtime.clock import now
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.sender.outbound import Check, Products
from services.sender.rows import listed_rows
from services.sender.tables import OUTBOX
from services.sender.tasks import tell

logger = logging.getLogger(__name__)

# After a look that Twilio did not answer; then the last of them, for as long as it takes.
_AGAIN_S = (1.0, 5.0, 30.0, 300.0)
_ASKED_TOGETHER = 2
NEVER_LOOKED_UP = "what such a command created is not looked up at Twilio; a fact of the log settles it, or `not_sent`"


class Claims(Listener):
    """A task for each command of the partitions owned that has claims. Where its product looks none up, each is
    refused."""

    def __init__(self, products: Products) -> None:
        self._products = products
        self._asking = asyncio.Semaphore(_ASKED_TOGETHER)
        self._tasks: dict[Partition, dict[str, asyncio.Task[None]]] = {}

    async def taken(self, partition: Partition) -> None:
        self._tasks[partition] = {}
        async for key, row in listed_rows(partition, OUTBOX, IN_DOUBT):
            self._note(partition, key, row)

    async def folded(self, partition: Partition, changed: Changed) -> None:
        for key, entry in changed.rows.get(OUTBOX, {}).items():
            self._note(partition, key, entry)

    async def leaving(self, partition: Partition) -> None:
        for task in self._tasks.pop(partition, {}).values():
            task.cancel()

    def _note(self, partition: Partition, key: str, entry: Entry | None) -> None:
        tasks = self._tasks.get(partition)
        if tasks is None or entry is None or not entry.claims or key in tasks:
            return
        check = self._products[entry.kind].check or _refute
        task = tasks[key] = asyncio.create_task(self._look(partition, key, check), name="claims")
        task.add_done_callback(tell)

    async def _look(self, partition: Partition, key: str, check: Check) -> None:
        try:
            await self._look_up(partition, key, check)
        finally:
            # At once: what comes next begins a task of its own.
            self._tasks.get(partition, {}).pop(key, None)

    async def _look_up(self, partition: Partition, key: str, check: Check) -> None:
        """One claim after the other, until none is left."""
        failed = 0
        while (entry := partition.read(key, OUTBOX)) is not None and entry.claims:
            try:
                async with self._asking:
                    checked = await check(partition, entry, entry.claims[0])
            except (TwilioException, RequestException, OSError, ValueError) as error:
                # Its text may have an address in a URL.
                logger.warning("a claim of %s cannot be looked up: %s", entry.tenant, type(error).__name__)
                checked = None
            if checked is not None:
                failed = 0
                await partition.submit(checked)
                continue
            await asyncio.sleep(_AGAIN_S[min(failed, len(_AGAIN_S) - 1)])
            failed += 1


async def _refute(_: Partition, entry: Entry, claim: ResolutionAccepted) -> Checked:
    return Checked(
        order_key=entry.order_key,
        command_id=entry.command_id,
        at=now(),
        resolution=claim.event_id,
        refused=NEVER_LOOKED_UP,
    )
