"""Fetches the dates of STOPs and STARTs that came within a minute of each other, so that the later word counts.

Who waits is what the rows say: after a restart they are found by the index, and asked about again.
"""

import asyncio
import logging
from collections.abc import Mapping

from prometheus_client import Gauge
from requests import RequestException
from twilio.base.exceptions import TwilioException

from services.domain.clock import seconds_between
from services.domain.consent.dating import UNDATED, DateFetched, doubts, undated
from services.domain.consent.standing import Standing
from services.runtime.clock import now
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.sender.messages.dates import Dates
from services.sender.metrics import SENDER
from services.sender.rows import listed_rows
from services.sender.tables import SUPPRESSION
from services.sender.tasks import tell

logger = logging.getLogger(__name__)

# After the later of the two words was heard. After the last only a backfill, or a START of its own, can settle it.
_LOOKS_S = (3.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0)
_ASKED_TOGETHER = 2

UNDATED_CONTACTS = Gauge(
    "switchboard_undated_contacts",
    "Contacts whose STOP and START wait for Twilio's dates, of the partitions owned",
    registry=SENDER,
)


class Dater(Listener):
    """A task for each contact whose words are in doubt, of the partitions owned."""

    def __init__(self, dates: Mapping[str, Dates]) -> None:
        self._dates = dates
        self._asking = asyncio.Semaphore(_ASKED_TOGETHER)
        self._waiting: dict[Partition, dict[str, tuple[list[str], asyncio.Task[None]]]] = {}
        UNDATED_CONTACTS.set_function(lambda: sum(map(len, self._waiting.values())))

    async def taken(self, partition: Partition) -> None:
        self._waiting[partition] = {}
        async for key, row in listed_rows(partition, SUPPRESSION, UNDATED):
            self._note(partition, key, row)

    async def folded(self, partition: Partition, changed: Changed) -> None:
        for key, standing in changed.rows.get(SUPPRESSION, {}).items():
            self._note(partition, key, standing)

    async def leaving(self, partition: Partition) -> None:
        for _, task in self._waiting.pop(partition, {}).values():
            task.cancel()

    def _note(self, partition: Partition, key: str, standing: Standing | None) -> None:
        waiting = self._waiting.get(partition)
        if waiting is None:
            return
        wanted = undated(standing)
        known = waiting.get(key)
        if known is not None and set(wanted) == set(known[0]):
            return
        if known is not None:
            known[1].cancel()
            del waiting[key]
        if wanted and standing is not None:
            task = asyncio.create_task(self._look(partition, standing), name="dates")
            task.add_done_callback(tell)
            waiting[key] = wanted, task

    async def _look(self, partition: Partition, standing: Standing) -> None:
        since = max(max(doubt.stop_at, doubt.start_at) for doubt in doubts(standing))
        waited = seconds_between(since, now())
        due = [after_s for after_s in _LOOKS_S if after_s > waited]
        missing = undated(standing)
        # Of the looks that were missed one is made up for.
        for after_s in [waited, *due] if len(due) < len(_LOOKS_S) else due:
            await asyncio.sleep(max(0.0, after_s - seconds_between(since, now())))
            # What is folded may cancel this task, so all are fetched before any is told.
            found = {sid: at for sid in missing if (at := await self._date(standing.tenant, sid))}
            await asyncio.gather(*(partition.submit(_fetched(standing, sid, at)) for sid, at in found.items()))
            missing = [sid for sid in missing if sid not in found]
            if not missing:
                return

    async def _date(self, tenant: str, message_sid: str) -> str | None:
        dates = self._dates.get(tenant)
        if dates is None:
            return None
        try:
            async with self._asking:
                return await dates.of(message_sid)
        except (TwilioException, RequestException, OSError, ValueError) as error:
            # Its text may have an address in a URL.
            logger.warning("the date of a message of %s cannot be fetched: %s", tenant, type(error).__name__)
            return None


def _fetched(standing: Standing, message_sid: str, sent_at: str) -> DateFetched:
    return DateFetched(
        tenant=standing.tenant, contact=standing.contact, at=now(), message_sid=message_sid, sent_at=sent_at
    )
