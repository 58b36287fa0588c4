"""Looks at Twilio for what ambiguous commands created, and tells how many there are and for how long."""

import asyncio
import logging

from prometheus_client import Gauge
from requests import RequestException
from twilio.base.exceptions import TwilioException

from services.domain.clock import seconds_between
from services.domain.outbox.entry import Entry
from services.domain.outbox.lists import IN_DOUBT
from services.runtime.clock import now
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.sender.metrics import SENDER
from services.sender.outbound import Find, Products
from services.sender.rows import listed_rows
from services.sender.tables import OUTBOX
from services.sender.tasks import tell

logger = logging.getLogger(__name__)

# After it became ambiguous. The callback, which comes within seconds, is the better witness; after the last only a
# person can tell.
_LOOKS_S = (20.0, 60.0, 300.0, 1800.0, 7200.0)
_ASKED_TOGETHER = 2

AMBIGUOUS = Gauge(
    "switchboard_ambiguous_commands", "Commands whose end is not known, of the partitions owned", registry=SENDER
)
OLDEST = Gauge(
    "switchboard_ambiguous_oldest_seconds", "For how long the oldest of them has been ambiguous", registry=SENDER
)


class Finder(Listener):
    """A task for each ambiguous command of the partitions owned; it ends with the command."""

    def __init__(self, products: Products) -> None:
        self._products = products
        self._asking = asyncio.Semaphore(_ASKED_TOGETHER)
        self._since: dict[Partition, dict[str, str]] = {}
        self._tasks: dict[Partition, dict[str, asyncio.Task[None]]] = {}
        AMBIGUOUS.set_function(lambda: sum(map(len, self._since.values())))
        OLDEST.set_function(self._oldest_s)

    async def taken(self, partition: Partition) -> None:
        self._since[partition], self._tasks[partition] = {}, {}
        async for key, row in listed_rows(partition, OUTBOX, IN_DOUBT):
            self._note(partition, key, row)

    async def folded(self, partition: Partition, changed: Changed) -> None:
        since, tasks = self._since.get(partition, {}), self._tasks.get(partition, {})
        for key, entry in changed.rows.get(OUTBOX, {}).items():
            # As most: it is not in doubt, and was not.
            if (entry is not None and entry.state == "ambiguous") or key in since or key in tasks:
                self._note(partition, key, entry)

    async def leaving(self, partition: Partition) -> None:
        self._since.pop(partition, None)
        for task in self._tasks.pop(partition, {}).values():
            task.cancel()

    def _note(self, partition: Partition, key: str, entry: Entry | None) -> None:
        since, tasks = self._since.get(partition), self._tasks.get(partition)
        if since is None or tasks is None:
            return
        if entry is None or entry.state != "ambiguous":
            since.pop(key, None)
            if task := tasks.pop(key, None):
                task.cancel()
        elif key not in since:
            since[key] = entry.ambiguous_at or now()
            if find := self._products[entry.kind].find:
                tasks[key] = asyncio.create_task(self._look(partition, entry, find))
                tasks[key].add_done_callback(tell)

    async def _look(self, partition: Partition, entry: Entry, find: Find) -> None:
        since = entry.ambiguous_at or now()
        waited = seconds_between(since, now())
        # Of the looks that were missed one is made up for: else all of them would be made at once.
        due = [after_s for after_s in _LOOKS_S if after_s > waited]
        for after_s in [waited, *due] if len(due) < len(_LOOKS_S) else due:
            await asyncio.sleep(max(0.0, after_s - seconds_between(since, now())))
            try:
                async with self._asking:
                    found = await find(partition, entry)
            except (TwilioException, RequestException, OSError) as error:
                # Its text has the person's address in a URL.
                logger.warning("what %s created cannot be listed: %s", entry.tenant, type(error).__name__)
                continue
            if found is not None:
                # Folding it cancels this task.
                await partition.submit(found)
                return

    def _oldest_s(self) -> float:
        since = min((at for rows in self._since.values() for at in rows.values()), default=None)
        return seconds_between(since, now()) if since else 0.0
