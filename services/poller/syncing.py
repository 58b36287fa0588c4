"""Lists of Twilio's that the log keeps (templates, prices, registrations), read by time: what is news is written.

Whoever owns the partition of a tenant's name reads its lists, one run of each at a time, and notes there when one was
read whole. A run that is killed has written all that was news or nothing of it; the next owner reads the list anew. Of
two workers at once, or a worker and a command, the one who began later counts: who writes has taken a fence before.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from services.domain import syncs
from services.domain.clock import parse
from services.domain.syncs import ListName, ListSynced, Syncs
from services.poller.answers import Answers
from services.poller.metrics import POLLER
from services.poller.missed import Misses
from services.poller.of_tenants import OfTenants
from services.poller.reader import Ungiven, Unreadable
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.failpoints import reach
from services.runtime.folding.fold import Step, Table
from services.runtime.folding.partition import Partition
from services.runtime.section import ConfigError
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

logger = logging.getLogger(__name__)

TABLE = "syncs"
STEP = Step(syncs.fold, Table(TABLE, Syncs, lambda event: event.tenant), takes=(ListSynced,))

AT = Gauge(
    "switchboard_sync_at_seconds",
    "When a list of Twilio's (templates, prices, compliance) was last read whole, and what is news in it was on the "
    "log (Unix time; 0: never); of the tenants that this worker has",
    ["tenant", "list"],
    registry=POLLER,
)
EVERY = Gauge("switchboard_sync_every_seconds", "How often each list is to be read", ["list"], registry=POLLER)
NEWS = Counter(
    "switchboard_sync_news_total",
    "What was news in these lists, by kind: new, changed, gone; stopped (a template, a registration), dearer (a price)",
    ["tenant", "list", "kind"],
    registry=POLLER,
)
_EVERY_S = 5.0
# Of each list, and each is a connection at the most: so many of whom Twilio answers nothing hold up nobody else.
TOGETHER = 32


class Synced(NamedTuple):
    """What came of a reading. `news`: how much by kind, written. `told`: what a person should know of it. `emptied`:
    why it is not believed. `overtaken`: somebody else reads the list, and has begun later."""

    news: Mapping[str, int] = {}
    told: str | None = None
    emptied: str | None = None
    overtaken: bool = False


class Sync(Protocol):
    """Read a list of a tenant's by these answers, compare it with the log, write what is news. Raises ConfigError and
    KafkaError, and what the answers raise: then nothing of it was written."""

    def __call__(
        self, name: ListName, tenant: str, settings: TenantSettings, answers: Answers
    ) -> Awaitable[Synced]: ...


class Syncing(OfTenants):
    """Of one list. `answers`: of a tenant's accounts, for one reading."""

    def __init__(
        self,
        name: ListName,
        settings: Settings,
        tenants: Tenants,
        sync: Sync,
        answers: Callable[[str], Answers],
    ) -> None:
        super().__init__(settings.kafka.partitions)
        self._name: ListName = name
        self._every_s = settings.poller.sync_every_s[name]
        self._tenants = tenants
        self._sync = sync
        self._answers = answers
        self._together = asyncio.Semaphore(TOGETHER)
        self._misses = Misses(name, self._every_s or 0.0)
        # When this worker read each, by a clock that only grows.
        self._own: dict[str, float] = {}
        self._shown: set[str] = set()

    def troubles(self) -> list[str]:
        """Tenants whose list may not be read, for people."""
        return [why for tenant, why in self._misses.refused().items() if self._wanted(tenant)]

    def _left(self) -> None:
        for tenant in self._shown:
            AT.remove(tenant, self._name)
        self._shown.clear()
        self._misses.forget()
        self._own.clear()

    async def run(self) -> None:
        """Until cancelled."""
        if self._every_s is None:
            return
        EVERY.labels(self._name).set(self._every_s)
        while True:
            await asyncio.sleep(min(_EVERY_S, self._every_s))
            self._forget()
            for tenant in list(self._tenants):
                if self._wanted(tenant):
                    self._look(tenant, self._every_s)
                # Others have their turn: there may be a thousand tenants.
                await asyncio.sleep(0)

    def _wanted(self, tenant: str) -> bool:
        settings = self._tenants.get(tenant)
        return settings is not None and settings.state != "closed" and self._name in settings.synced

    def _forget(self) -> None:
        """Of a tenant that is none any more nothing is read or shown; what the log holds of it stays."""
        for tenant, run in list(self._under_way.items()):
            if not self._wanted(tenant):
                run.cancel()
        for tenant in [one for one in self._shown if not self._wanted(one)]:
            AT.remove(tenant, self._name)
            self._shown.remove(tenant)

    def _look(self, tenant: str, every_s: float) -> None:
        partition = self._free(tenant)
        if partition is None:
            return
        row: Syncs | None = partition.read(tenant, TABLE)
        at = row.at.get(self._name) if row is not None else None
        AT.labels(tenant, self._name).set(parse(at).timestamp() if at is not None else 0.0)
        self._shown.add(tenant)
        if self._misses.waits(tenant):
            return
        wait_s, own = syncs.spread_s(every_s, tenant, self._name, at), self._own.get(tenant)
        own_s = None if own is None else time.monotonic() - own
        if tenant in self._misses or syncs.due(at, now(), wait_s, own_s):
            self._begin(tenant, self._run(partition, tenant))

    def _failed(self, tenant: str, error: BaseException) -> None:
        """It is a defect: what is expected to fail was told by the run."""
        self._misses.add(tenant, "failed", repr(error))
        logger.error("%s: the sync of its %s failed: %r", tenant, self._name, error, exc_info=error)

    async def _run(self, partition: Partition, tenant: str) -> None:
        async with self._together:
            settings = self._tenants.get(tenant)
            if settings is None:
                return
            try:
                found = await self._sync(self._name, tenant, settings, self._answers(tenant))
            except Unreadable as error:
                self._misses.add(tenant, "refused" if error.refused else "failed", str(error))
                return
            except (Ungiven, ConfigError, KafkaError) as error:
                self._misses.add(tenant, "failed", str(error))
                return
        if found.emptied is not None:
            self._misses.add(tenant, "emptied", found.emptied)
        elif found.overtaken:
            self._misses.overtaken(tenant)
        else:
            await self._done(partition, tenant, found)

    async def _done(self, partition: Partition, tenant: str, found: Synced) -> None:
        reach("poller.synced")
        for kind, count in found.news.items():
            NEWS.labels(tenant, self._name, kind).inc(count)
        await partition.submit(ListSynced(tenant=tenant, name=self._name, at=now()))
        self._own[tenant] = time.monotonic()
        self._misses.over(tenant)
        if found.news:
            told = ", ".join(f"{count} {kind}" for kind, count in sorted(found.news.items()))
            logger.info("%s: news in its %s: %s", tenant, self._name, told)
        if found.told:
            logger.warning("%s: %s", tenant, found.told)
