"""Once a day and tenant: what Twilio lists is held against the log, and what the log lacks is written there.

Whoever owns the partition of a tenant's name does it, and notes there until when it is done: under that partition's
fence, so one worker's word counts. A run that is killed begins anew with its next owner, and finds on the log what it
had written.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import time
from zoneinfo import ZoneInfo

from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from services.domain.clock import parse, seconds_between
from services.domain.messages import reconciled
from services.domain.messages.reconciled import Reconciled
from services.poller.messages import RECONCILED
from services.poller.metrics import POLLER
from services.poller.of_tenants import OfTenants
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.failpoints import reach
from services.runtime.folding.partition import Partition
from services.runtime.section import ConfigError
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

logger = logging.getLogger(__name__)

UNTIL = Gauge(
    "switchboard_reconciled_until_seconds",
    "Until when all that Twilio lists of a tenant is on the log (Unix time); of the tenants that this worker has",
    ["tenant"],
    registry=POLLER,
)
FACTS = Counter(
    "switchboard_reconciled_facts_total",
    "Facts that Twilio listed and the log lacked: inbound, date, status",
    ["tenant", "kind"],
    registry=POLLER,
)
FAILED = Counter(
    "switchboard_reconciliations_failed_total", "Runs that could not be finished", ["tenant"], registry=POLLER
)

_EVERY_S = 5.0
_AGAIN_S = 300.0
_TOGETHER = 2

# Hold a tenant's log against Twilio's lists from one time to another and write what it lacks: how many facts, by kind.
# The last argument returns when one more call may be made. Raises ConfigError and KafkaError.
Turn = Callable[[], Awaitable[None]]
Reconcile = Callable[[str, TenantSettings, tuple[str, str], Turn], Awaitable[Mapping[str, int]]]


class Reconciling(OfTenants):
    """`turn(tenant)`: returns when one more call may be made for it."""

    def __init__(
        self,
        settings: Settings,
        tenants: Tenants,
        reconcile: Reconcile,
        turn: Callable[[str], Awaitable[None]],
    ) -> None:
        super().__init__(settings.kafka.partitions)
        self._settings = settings.poller
        self._tenants = tenants
        self._reconcile = reconcile
        self._turn = turn
        self._failed_at: dict[str, str] = {}
        self._together = asyncio.Semaphore(_TOGETHER)

    def _left(self) -> None:
        UNTIL.clear()

    async def run(self) -> None:
        """Until cancelled."""
        if not self._settings.reconcile_at:
            return
        at, zone = time.fromisoformat(self._settings.reconcile_at), ZoneInfo(self._settings.reconcile_zone)
        while True:
            await asyncio.sleep(_EVERY_S)
            until = reconciled.latest(now(), at, zone)
            for tenant in list(self._tenants):
                self._look(tenant, until)

    def _look(self, tenant: str, until: str) -> None:
        partition = self._free(tenant)
        if partition is None:
            return
        done: Reconciled | None = partition.read(tenant, RECONCILED)
        if done is not None:
            UNTIL.labels(tenant).set(parse(done.until).timestamp())
            if done.until >= until:
                return
        failed_at = self._failed_at.get(tenant)
        if failed_at is None or seconds_between(failed_at, now()) >= _AGAIN_S:
            self._begin(tenant, self._run(partition, tenant, done, until))

    def _failed(self, tenant: str, error: BaseException) -> None:
        self._fail(tenant)
        logger.error("the reconciliation of %s failed: %r", tenant, error, exc_info=error)

    async def _run(self, partition: Partition, tenant: str, done: Reconciled | None, until: str) -> None:
        since, brought = reconciled.since(done, until), 0
        async with self._together:
            # Each part is noted: where a later one fails, the next run begins there.
            for part in reconciled.parts(since, until):
                try:
                    found = await self._reconcile(tenant, self._tenants[tenant], part, lambda: self._turn(tenant))
                except (ConfigError, KafkaError) as error:
                    self._fail(tenant)
                    logger.error("the reconciliation of %s waits: %s", tenant, error)
                    return
                reach("poller.reconciled")
                for kind, count in found.items():
                    FACTS.labels(tenant, kind).inc(count)
                await partition.submit(Reconciled(tenant, part[1]))
                brought += sum(found.values())
        logger.info("%s: from %s to %s Twilio's lists brought %d facts", tenant, since, until, brought)

    def _fail(self, tenant: str) -> None:
        self._failed_at[tenant] = now()
        FAILED.labels(tenant).inc()
