"""Makes the commands of keyword rules: by the rules of this moment, for messages that wait in rows of its partitions.

What was made is folded, and stands on the public topic in the transaction that takes the message off its row. The gate
judges it there as any producer's command.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Literal

from prometheus_client import Counter

from services.domain.clock import later
from services.domain.contact import canonical
from services.domain.messages.events import KeywordHeard
from services.domain.rules.commanded import OPEN, Commanded, CommandsMade, row_key
from services.domain.rules.making import Made, Why, make
from services.poller.keywords import COMMANDS
from services.poller.metrics import POLLER
from services.runtime.clock import now
from services.runtime.directories import Directories
from services.runtime.failpoints import reach
from services.runtime.folding.flush import Changed
from services.runtime.folding.index import Listed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.replying import rule_commands
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

logger = logging.getLogger(__name__)

OUTCOMES = Counter(
    "switchboard_rule_commands_total",
    "Commands of keyword rules: made, or of a message none (capped, old, no_rule, ours, empty, no, unreachable); a "
    "message beyond the caps that comes again counts again",
    ["tenant", "rule", "outcome"],
    registry=POLLER,
)
_EVERY_S = 5.0
_TOGETHER = 64
# A tenant whose file is on its way.
_PATIENCE_S = 300.0

_Outcome = Why | Literal["made", "capped", "no_rule"]


class Commanding(Listener):
    """Works from the rows of the partitions it owns."""

    def __init__(self, tenants: Tenants, directories: Directories) -> None:
        self._tenants = tenants
        self._directories = directories
        self._rules = Derived(tenants, lambda _, one: rule_commands(one))
        self._senders = Derived(tenants, lambda _, one: _senders(one))
        self._owned: set[Partition] = set()
        self._come = asyncio.Event()

    async def taken(self, partition: Partition) -> None:
        self._owned.add(partition)
        self._come.set()

    async def leaving(self, partition: Partition) -> None:
        self._owned.discard(partition)

    async def folded(self, partition: Partition, changed: Changed) -> None:
        was = changed.was.get(COMMANDS, {})
        for key, row in changed.rows.get(COMMANDS, {}).items():
            before: Commanded | None = was.get(key)
            if row is None:
                continue
            if row.waiting:
                self._come.set()
            if capped := row.capped - (before.capped if before else 0):
                _count(row.tenant, row.rule, "capped", capped)

    async def run(self) -> None:
        """Until cancelled."""
        # Nothing goes to a sender of ours, so all of them have to be known.
        await self._directories.read()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._come.wait(), _EVERY_S)
            self._come.clear()
            for partition in list(self._owned):
                await self._work(partition)

    async def _work(self, partition: Partition) -> None:
        after = None
        while partition in self._owned and (found := partition.listed(COMMANDS, OPEN, after, _TOGETHER)):
            # Together, so that they share transactions: what many people write to one tenant holds up no other's.
            await asyncio.gather(*(self._make(partition, heard) for heard in _waiting(partition, found)))
            after = found[-1]

    async def _make(self, partition: Partition, heard: KeywordHeard) -> None:
        made, outcome = self._made(heard)
        if made is None:
            return
        reach("rule.commanding")
        event = CommandsMade(key=row_key(heard), keyword_event_id=heard.event_id, commands=made.commands)
        if not await _folded(partition, event):
            # Who has the partition now finds it waiting.
            return
        _count(heard.tenant, heard.rule, "made", len(made.commands))
        if outcome != "made":
            _count(heard.tenant, heard.rule, outcome, 1)
            logger.info("%s: rule %s: not every command was made: %s", heard.tenant, heard.rule, outcome)

    def _made(self, heard: KeywordHeard) -> tuple[Made | None, _Outcome]:
        """None: its tenant may still come to be known."""
        moment = now()
        if heard.tenant not in self._tenants:
            waits = moment < later(heard.received_at, _PATIENCE_S)
            return (None if waits else Made(())), "no_rule"
        rule = self._rules[heard.tenant].get(heard.rule)
        if rule is None:
            return Made(()), "no_rule"
        made = make(rule, heard, moment, self._is_ours)
        return made, made.why_not or "made"

    def _is_ours(self, address: str) -> bool:
        """Whichever tenant's: two of them must not write to each other for ever either."""
        return any(address in one for one in self._senders.values()) or self._directories.knows(address)


async def _folded(partition: Partition, event: CommandsMade) -> bool:
    """False where the partition was lost first."""
    try:
        await partition.submit(event)
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise
        return False
    return True


def _waiting(partition: Partition, found: Iterable[Listed]) -> Iterator[KeywordHeard]:
    for one in found:
        row: Commanded | None = partition.read(one.key, COMMANDS)
        yield from row.waiting.values() if row is not None else ()


def _senders(tenant: TenantSettings) -> frozenset[str]:
    return frozenset(map(canonical, tenant.allowed_senders))


def _count(tenant: str, rule: str, outcome: _Outcome, count: int) -> None:
    OUTCOMES.labels(tenant, rule, outcome).inc(count)
