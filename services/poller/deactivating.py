"""Twilio's daily list of US numbers that carriers took back: read once a day and tenant, and told to whom it matters.

The list has some 100,000 numbers, of which few are anybody's here. Each is hashed by the tenant's contact secret and
told in parts, by partition: who keeps contacts there marks those that it knows. Whoever is killed has told some of it;
the next owner reads the day again, and what comes twice changes nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import date

from prometheus_client import Counter, Gauge

from services.contract.partition import key_on, partition_of
from services.domain.clock import parse, seconds_between
from services.domain.contact import contact_key
from services.domain.messages import deactivated
from services.domain.messages.deactivated import GIVEN_UP, Deactivated, ListRead, PartRead
from services.poller.metrics import POLLER
from services.poller.of_tenants import OfTenants
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.deactivations import NO_LIST, Lists, Unread
from services.runtime.failpoints import reach
from services.runtime.folding.fold import Step, Table
from services.runtime.folding.partition import Partition
from services.runtime.line import Line
from services.runtime.tenants.live import Tenants

logger = logging.getLogger(__name__)

TABLE = "deactivated"
STEP = Step(deactivated.fold, Table(TABLE, Deactivated, lambda event: event.tenant), takes=deactivated.FACTS)

THROUGH = Gauge(
    "switchboard_deactivations_through_seconds",
    "The end of the last day whose list of deactivated numbers is on the log (Unix time)",
    ["tenant"],
    registry=POLLER,
)
NUMBERS = Counter(
    "switchboard_deactivations_numbers_total",
    "Lines of these lists: told, or odd (no number of the US)",
    ["tenant", "outcome"],
    registry=POLLER,
)
FAILED = Counter(
    "switchboard_deactivations_failed_total", "Lists that could not be read; they are asked for again", ["tenant"],
    registry=POLLER,
)  # fmt: skip

_EVERY_S = 5.0
_AGAIN_S, _ABSENT_AGAIN_S = 300.0, 3600.0
_TOGETHER = 2
# Of one record.
_PART = 200


class Deactivating(OfTenants):
    """Whoever owns the partition of a tenant's name reads its lists."""

    def __init__(self, settings: Settings, tenants: Tenants, line: Line) -> None:
        partitions = settings.kafka.partitions
        super().__init__(partitions)
        self._tenants = tenants
        self._lists = Lists(line, settings.twilio.messaging_url)
        self._later: dict[str, tuple[str, float]] = {}
        self._together = asyncio.Semaphore(_TOGETHER)
        self._keys = [key_on(number, partitions) for number in range(partitions)]

    def _left(self) -> None:
        THROUGH.clear()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            for tenant, settings in list(self._tenants.items()):
                if settings.deactivations:
                    self._look(tenant)

    def _look(self, tenant: str) -> None:
        partition = self._free(tenant)
        if partition is None:
            return
        done: Deactivated | None = partition.read(tenant, TABLE)
        if done is not None:
            THROUGH.labels(tenant).set(parse(f"{done.through}T23:59:59.999Z").timestamp())
        failed = self._later.get(tenant)
        if failed is not None and seconds_between(failed[0], now()) < failed[1]:
            return
        day = next(deactivated.due(done, deactivated.today(now())), None)
        if day is not None:
            self._begin(tenant, self._run(partition, tenant, day))

    def _failed(self, tenant: str, error: BaseException) -> None:
        self._fail(tenant, _AGAIN_S)
        if isinstance(error, Unread):
            logger.warning("%s: the list of deactivated numbers waits: %s", tenant, error)
        else:
            logger.error("%s: the list of deactivated numbers failed: %r", tenant, error, exc_info=error)

    async def _run(self, partition: Partition, tenant: str, day: date) -> None:
        async with self._together:
            lines = await self._lists.of(self._tenants[tenant], day)
            told = await self._tell(partition, tenant, day, lines) if lines is not None else 0
            if told:
                logger.info("%s: %d numbers were deactivated on %s", tenant, told, day)
            elif deactivated.today(now()) - day <= GIVEN_UP:
                self._fail(tenant, _ABSENT_AGAIN_S)
                return
            else:
                logger.warning("%s: Twilio has no list of deactivated numbers for %s; it is passed over", tenant, day)
            reach("poller.deactivations")
            await partition.submit(ListRead(tenant=tenant, date=day.isoformat()))
            self._later.pop(tenant, None)

    async def _tell(self, partition: Partition, tenant: str, day: date, lines: AsyncIterator[bytes]) -> int:
        """Tell all of a list by partition, as soon as there are some of one."""
        secret = self._tenants[tenant].contact_secret.get_secret_value().encode()
        waiting: dict[str, list[str]] = {key: [] for key in self._keys}
        numbers, told, odd = dict.fromkeys(self._keys, 0), 0, 0

        async def tell(key: str) -> None:
            contacts, waiting[key] = tuple(waiting[key]), []
            part = PartRead(tenant=tenant, date=day.isoformat(), key=key, number=numbers[key], contacts=contacts)
            numbers[key] += 1
            await partition.submit(part)
            reach("poller.deactivated")

        async for line in lines:
            number = deactivated.phone(line)
            NUMBERS.labels(tenant, "told" if number else "odd").inc()
            if number is None:
                odd += 1
                continue
            contact = contact_key(tenant, number, secret)
            key = self._keys[partition_of(contact.encode(), len(self._keys))]
            waiting[key].append(contact)
            told += 1
            if len(waiting[key]) == _PART:
                await tell(key)
        for key in [key for key, contacts in waiting.items() if contacts]:
            await tell(key)
        if odd > told:
            raise Unread(NO_LIST)
        return told

    def _fail(self, tenant: str, again_s: float) -> None:
        self._later[tenant] = now(), again_s
        FAILED.labels(tenant).inc()
