"""Which message is worked on now: the oldest first, so many at once; one that fails waits, and holds nobody up."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator
from itertools import islice
from typing import Any

from services.domain.clock import seconds_between
from services.domain.messages.copies import OPEN, Copied, Copies, CopyFailed, TakenAway, row_key, tenant_of
from services.media.copying import Copying
from services.media.counting import BYTES, COPIES, FAILED, OLDEST
from services.media.fetching import TwilioAway
from services.media.scanning import ScannerAway
from services.media.storage import StorageAway
from services.media.topology import TABLE
from services.runtime.clock import now
from services.runtime.failpoints import reach
from services.runtime.folding.index import Listed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

logger = logging.getLogger(__name__)

_EVERY_S = 0.2
_OLDEST_EVERY_S = 2.0
# Rows of a partition that are looked at together.
_AT_ONCE = 100
_AWAY = (TwilioAway, ScannerAway, StorageAway)


class Copier(Listener):
    """`at_once`: messages worked on together."""

    def __init__(self, copying: Copying, tenants: Tenants, at_once: int) -> None:
        self._copying = copying
        self._tenants = tenants
        self._at_once = at_once
        self._owned: dict[int, Partition] = {}
        self._under_way: dict[str, tuple[Partition, asyncio.Task[None]]] = {}
        self._away: dict[str, str] = {}

    def troubles(self) -> list[str]:
        """Who was away at the last try, and what to look at."""
        return list(self._away.values())

    async def taken(self, partition: Partition) -> None:
        self._owned[partition.partition] = partition

    async def leaving(self, partition: Partition) -> None:
        self._owned.pop(partition.partition, None)
        tasks = [task for owner, task in self._under_way.values() if owner is partition]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def run(self) -> None:
        """Until cancelled."""
        looked = float("-inf")
        while True:
            await asyncio.sleep(_EVERY_S)
            if time.monotonic() - looked > _OLDEST_EVERY_S:
                looked = time.monotonic()
                OLDEST.set(max(map(self._oldest_s, self._owned.values()), default=0.0))
            if (free := self._at_once - len(self._under_way)) > 0:
                for partition, key in islice(self._waiting(), free):
                    row = partition.read(key, TABLE)
                    if row is not None:
                        self._begin(partition, key, row)

    def _waiting(self) -> Iterator[tuple[Partition, str]]:
        moment = now()
        for partition in list(self._owned.values()):
            for key in _due(partition, moment):
                # Behind rows of a tenant that is not known here there may be others'.
                if key not in self._under_way and tenant_of(key) in self._tenants:
                    yield partition, key

    @staticmethod
    def _oldest_s(partition: Partition) -> float:
        rows = (partition.read(one.key, TABLE) for one in partition.listed(TABLE, OPEN, None, _AT_ONCE))
        return max((seconds_between(row.received_at, now()) for row in rows if row is not None), default=0.0)

    def _begin(self, partition: Partition, key: str, row: Copies) -> None:
        task = asyncio.create_task(self._carry_out(partition, row))
        self._under_way[key] = partition, task
        task.add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: str, task: "asyncio.Task[None]") -> None:
        self._under_way.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("media of %s cannot be worked on: %r", key, error, exc_info=error)

    async def _carry_out(self, partition: Partition, row: Copies) -> None:
        """Each medium of a message for itself: what stands in the way of one keeps no other."""
        tenant = self._tenants.get(row.tenant)
        if tenant is None:
            return
        failed = False
        if row.is_unlisted and tenant.media.copy_inbound:
            failed = not await self._done(row, self._find(partition, tenant, row))
            row = partition.read(row_key(row), TABLE) or row
        for place, medium in enumerate(row.media if not failed else ()):
            if medium.end is None or medium.delete:
                failed |= not await self._done(row, self._one(partition, tenant, row, place))
        if failed:
            await partition.submit(CopyFailed(tenant=row.tenant, message_sid=row.message_sid, at=now()))

    async def _done(self, row: Copies, work: Coroutine[Any, Any, None]) -> bool:
        try:
            await work
        except _AWAY as error:
            self._missed(row, error)
            return False
        except Exception as error:
            # A defect of ours, or of a package's on what somebody sent: of this one alone.
            logger.exception("a medium of %s cannot be copied", row_key(row))
            self._missed(row, error)
            return False
        self._away.clear()
        return True

    async def _find(self, partition: Partition, tenant: TenantSettings, row: Copies) -> None:
        await partition.submit(await self._copying.find(tenant, row))
        reach("media.found")

    async def _one(self, partition: Partition, tenant: TenantSettings, row: Copies, place: int) -> None:
        if row.media[place].end is None:
            ended = await self._copying.copy(tenant, row, place)
            await self._tell(partition, ended)
            if not ended.delete:
                return
        taken = await self._copying.take_away(tenant, row, place)
        reach("media.deleted")
        await self._tell_deleted(partition, taken)

    async def _tell(self, partition: Partition, ended: Copied) -> None:
        await partition.submit(ended)
        reach("media.told")
        self._away.clear()
        if ended.told is not None:
            COPIES.labels(ended.tenant, ended.outcome).inc()
            BYTES.labels(ended.tenant).inc(ended.told.size or 0)

    async def _tell_deleted(self, partition: Partition, event: TakenAway) -> None:
        await partition.submit(event)
        COPIES.labels(event.tenant, "deleted").inc()

    def _missed(self, row: Copies, error: Exception) -> None:
        why = "other"
        if isinstance(error, TwilioAway):
            why = "refused" if error.refused else "twilio"
        elif isinstance(error, _AWAY):
            why = "storage" if isinstance(error, StorageAway) else "scanner"
        FAILED.labels(row.tenant, why).inc()
        if why not in self._away:
            logger.warning("media of %s wait (%s): %s", row.tenant, why, error)
        self._away[why] = f"{row.tenant}: media wait, {_REMEDY[why]}: {error}"


def _due(partition: Partition, moment: str) -> Iterator[str]:
    """By pages: in most rounds the first one ends with what waits for later."""
    after: Listed | None = None
    while page := partition.listed(TABLE, OPEN, after, _AT_ONCE):
        for after in page:
            if after.name.removeprefix(OPEN) > moment:
                return
            yield after.key


_REMEDY = {
    "twilio": "Twilio gives no answer that can be used",
    "refused": "Twilio does not give them to these credentials; check the account's token and its subaccounts",
    "storage": "the storage cannot be written; check media.storage",
    "scanner": "ClamAV does not answer; check media.clamav",
    "other": "see the log",
}
