"""Asks Twilio's Lookup what stands behind a number before the first text to it, where a tenant wants that.

A look costs money, so only what would be sent asks, a day has so many, and what is known is not asked again. A command
waits for its own number under a condition of its own, outside of every lane; without an answer in time it goes without.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from prometheus_client import Counter

from services.domain.clock import seconds_between
from services.domain.gate.conditions import lookup_of
from services.domain.messages import lines
from services.domain.messages.lines import Asked, LineAsked, LineRead
from services.domain.messages.number import Number
from services.domain.reachability import PhoneLine, by_text
from services.runtime.clock import now
from services.runtime.failpoints import reach
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.line import Line
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.reachability import LookupSettings
from services.runtime.tenants.settings import TenantSettings
from services.sender.lookup import look_up
from services.sender.metrics import SENDER
from services.sender.outbound import Addressed
from services.sender.tables import LOOKED_UP, NUMBERS

logger = logging.getLogger(__name__)

_DAY_S = 86_400.0
TOGETHER = 8
# Who got no answer is not asked about again while its command goes.
_PASSES_S, _MOST_PASSED = 300.0, 10_000
# A tenant whose looks fail is left alone for a while: nothing waits for them then.
_FAILURES, _PAUSE_S, _REFUSED_PAUSE_S = 5, 60.0, 600.0

LOOKUPS = Counter(
    "switchboard_lookups_total",
    "Numbers that were looked up, by what came of it: found, unknown (Twilio cannot tell), failed, late (no answer "
    "within lookup.wait_s, or in the queue for so long)",
    ["tenant", "outcome"],
    registry=SENDER,
)
COST = Counter(
    "switchboard_lookups_cost_total",
    "What they cost by lookup.price, in the currency of the tenant's spend",
    ["tenant", "currency"],
    registry=SENDER,
)
CAPPED = Counter(
    "switchboard_lookups_capped_total",
    "Times that a number would have been looked up, and the day had no more looks; a command may count twice",
    ["tenant"],
    registry=SENDER,
)


class Lookups(Listener):
    """`url`: of Lookup in us1. `over` is to be set: it is told the condition of each look that is over."""

    def __init__(self, tenants: Tenants, line: Line, url: str, partitions: int) -> None:
        self._tenants = tenants
        self._line = line
        self._url = url
        self._partitions = partitions
        self._together = asyncio.Semaphore(TOGETHER)
        self._under_way: dict[Partition, dict[str, asyncio.Task[None]]] = {}
        # Contacts whose look is not in the day's row yet.
        self._uncounted: dict[Partition, set[str]] = {}
        # By contact, until when it passes; by tenant, how many looks failed in a row, and until when none is made.
        self._passed: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._paused: dict[str, float] = {}
        self._refused: dict[str, str] = {}
        self.over: Callable[[Partition, str], None] = lambda _partition, _condition: None

    def troubles(self) -> list[str]:
        """Accounts that may not look anything up, for people."""
        asking = {name for name, tenant in self._tenants.items() if tenant.lookup.daily}
        return [why for tenant, why in self._refused.items() if tenant in asking]

    def wanted(self, partition: Partition, command: Addressed, moment: str) -> bool:
        """Whether a command that may go is to wait for what Lookup says of its number."""
        settings = self._tenants[command.tenant].lookup
        if not settings.daily or not by_text(command.channel) or partition not in self._under_way:
            return False
        if settings.countries and command.country not in settings.countries:
            return False
        row: Number | None = partition.read(command.contact, NUMBERS)
        if row is not None and (_fresh(row.line, settings, moment) or any(map(by_text, row.arrived))):
            return False
        clock = time.monotonic()
        if self._passed.get(command.contact, 0.0) > clock or self._paused.get(command.tenant, 0.0) > clock:
            return False
        if command.contact not in self._under_way[partition] and not self._left(partition, command.tenant, moment):
            CAPPED.labels(command.tenant).inc()
            return False
        return True

    def ask(self, partition: Partition, command: Addressed) -> None:
        """Have a number looked up, unless that is under way."""
        under_way = self._under_way.get(partition)
        if under_way is None or command.contact in under_way:
            return
        self._uncounted[partition].add(command.contact)
        task = under_way[command.contact] = asyncio.create_task(self._look(partition, command), name="lookup")
        task.add_done_callback(lambda done: self._ended(partition, command.contact, done))

    def stands(self, partition: Partition, condition: str) -> bool:
        """Whether a look is under way. After a restart none is: what waited is judged anew, and asks again."""
        return condition.partition(" ")[2] in self._under_way.get(partition, {})

    async def close(self) -> None:
        await self._line.close()

    async def taken(self, partition: Partition) -> None:
        self._under_way[partition], self._uncounted[partition] = {}, set()

    async def leaving(self, partition: Partition) -> None:
        self._uncounted.pop(partition, None)
        for task in self._under_way.pop(partition, {}).values():
            task.cancel()

    def _left(self, partition: Partition, tenant: str, moment: str) -> bool:
        """Is there one more in the day's share?"""
        share = lines.share(self._tenants[tenant].lookup.daily, partition.partition, self._partitions)
        row: Asked | None = partition.read(lines.row_key(tenant, moment), LOOKED_UP)
        begun = sum(contact.startswith(f"{tenant}|") for contact in self._uncounted[partition])
        return (row.count if row else 0) + begun < share

    async def _look(self, partition: Partition, command: Addressed) -> None:
        tenant = self._tenants[command.tenant]
        names = {"tenant": command.tenant, "contact": command.contact}
        try:
            async with asyncio.timeout(tenant.lookup.wait_s), self._together:
                # Before the call: who is killed between them has counted it.
                begun = self._uncounted[partition]
                await partition.submit(LineAsked(**names, at=now()), lambda: begun.discard(command.contact))
                reach("lookup.counted")
                COST.labels(command.tenant, tenant.spend.currency).inc(float(tenant.lookup.price))
                found = await self._fetch(command.tenant, tenant, command.to)
        except TimeoutError:
            self._fail(command.tenant, "late")
            return
        if found is None:
            return
        self._failures.pop(command.tenant, None)
        self._refused.pop(command.tenant, None)
        LOOKUPS.labels(command.tenant, "found" if found.type else "unknown").inc()
        reach("lookup.read")
        await partition.submit(LineRead(**names, at=found.at, line=found))

    async def _fetch(self, name: str, tenant: TenantSettings, number: str) -> PhoneLine | None:
        """What Lookup says; None where it gave no answer."""
        answer = await look_up(self._line, self._url, name, tenant, number)
        if answer.line is not None:
            return answer.line
        if answer.refused is not None:
            self._refused[name] = (
                f"{name}: Lookup refuses to be asked ({answer.refused}); check what its API key may read"
            )
            self._pause(name, _REFUSED_PAUSE_S)
        elif answer.too_many:
            self._pause(name, answer.again_s or _PAUSE_S)
        self._fail(name, "failed")
        return None

    def _fail(self, tenant: str, outcome: str) -> None:
        LOOKUPS.labels(tenant, outcome).inc()
        self._failures[tenant] = self._failures.get(tenant, 0) + 1
        if self._failures[tenant] >= _FAILURES:
            self._pause(tenant, _PAUSE_S)

    def _pause(self, tenant: str, seconds: float) -> None:
        self._failures.pop(tenant, None)
        self._paused[tenant] = max(self._paused.get(tenant, 0.0), time.monotonic() + seconds)

    def _ended(self, partition: Partition, contact: str, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a look at a number failed: %r", error, exc_info=error)
        if self._under_way.get(partition, {}).pop(contact, None) is None:
            return
        self._uncounted[partition].discard(contact)
        while len(self._passed) >= _MOST_PASSED:
            del self._passed[next(iter(self._passed))]
        self._passed[contact] = time.monotonic() + _PASSES_S
        self.over(partition, lookup_of(contact))


def _fresh(line: PhoneLine | None, settings: LookupSettings, moment: str) -> bool:
    """Is what is known young enough? What Twilio could not tell is asked again sooner."""
    if line is None:
        return False
    days = settings.max_age_days if line.type else settings.unknown_days
    return seconds_between(line.at, moment) < days * _DAY_S
