"""Delivers tickets to their tenants' desks: signed, with an idempotency key, again until one is taken or given up.

Each desk has its own places, so one that is slow or gone holds up no other.
"""

import asyncio
import logging
from collections.abc import Iterator
from functools import partial

from prometheus_client import Counter, Gauge

from services.domain.messages import tickets
from services.domain.messages.tickets import Ticket, TicketTried, is_open
from services.poller.desks import Answered, Desks
from services.poller.keywords import TICKETS
from services.poller.metrics import POLLER
from services.runtime.clock import now
from services.runtime.failpoints import reach
from services.runtime.folding.index import Listed, beyond
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.tenants.live import Tenants

logger = logging.getLogger(__name__)

TRIED = Counter(
    "switchboard_tickets_tried_total",
    "Tries to deliver a ticket to a tenant's desk: taken, refused (an answer that is not 2xx), failed (no answer)",
    ["tenant", "desk", "outcome"],
    registry=POLLER,
)
WAITING = Gauge("switchboard_tickets_under_way", "Tickets that are being delivered", registry=POLLER)

_EVERY_S = 1.0
# Of one desk and partition at once.
_TOGETHER = 4
_NO_DESK = Answered("failed", "no such desk is configured")


class Ticketing(Listener):
    """Works from the rows of the partitions it owns."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants
        self._owned: dict[Partition, dict[str, asyncio.Task[None]]] = {}
        self._desks = Desks()
        WAITING.set_function(lambda: sum(map(len, self._owned.values())))

    async def close(self) -> None:
        await self._desks.close()

    async def taken(self, partition: Partition) -> None:
        self._owned[partition] = {}

    async def leaving(self, partition: Partition) -> None:
        under_way = list(self._owned.pop(partition, {}).values())
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            for partition in list(self._owned):
                for tenant, desk in list(_desks(partition)):
                    self._look(partition, tenant, desk)
                    await asyncio.sleep(0)

    def _look(self, partition: Partition, tenant: str, desk: str) -> None:
        under_way, prefix = self._owned.get(partition, {}), tickets.under(tenant, desk)
        for one in partition.listed(TICKETS, prefix, None, _TOGETHER):
            if one.name.removeprefix(prefix) <= now() and one.key not in under_way:
                task = under_way[one.key] = asyncio.create_task(self._deliver(partition, one.key), name="ticket")
                task.add_done_callback(partial(self._ended, partition, one.key))

    def _ended(self, partition: Partition, key: str, task: "asyncio.Task[None]") -> None:
        self._owned.get(partition, {}).pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its row stands as it stood, and is tried again.
            logger.error("a ticket failed: %r", error, exc_info=error)

    async def _deliver(self, partition: Partition, key: str) -> None:
        row: Ticket | None = partition.read(key, TICKETS)
        if row is None or row.heard is None or not is_open(row):
            return
        tenant = self._tenants.get(row.tenant)
        desk = tenant.desks.get(row.desk) if tenant is not None else None
        outcome, answer = await self._desks.post(desk, row.heard) if desk is not None else _NO_DESK
        reach("ticket.posted")
        TRIED.labels(row.tenant, row.desk, outcome).inc()
        if outcome != "taken":
            logger.warning(
                "%s: desk %s did not take a ticket (try %d): %s", row.tenant, row.desk, row.tries + 1, answer
            )
        await partition.submit(TicketTried(key=key, at=now(), taken=outcome == "taken", answer=answer))


def _desks(partition: Partition) -> Iterator[tuple[str, str]]:
    """The desks that have tickets in this partition."""
    after: Listed | None = None
    while found := partition.listed(TICKETS, "", after, 1):
        tenant, desk, _ = found[0].name.split(" ", 2)
        after = beyond(tickets.under(tenant, desk))
        yield tenant, desk
