"""A tenant's budgets, as the gate is told of them: what counts in a partition, and what is about to.

What an attempt takes is reserved in memory from its verdict until its row is committed: others of the partition are
judged meanwhile. Whoever is killed in between has called nobody.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from prometheus_client import Counter, Gauge

from services.contract.prices import PRICES
from services.domain.outbox.entry import counted, row_key
from services.domain.spend import budgets
from services.domain.spend.budgets import Budget, Overspent, Spend, Spent, applying, day_of, exceeds
from services.domain.spend.estimating import Estimate, Rates
from services.domain.templates.catalogue import NO_TEMPLATES, Catalogue
from services.runtime.clock import now
from services.runtime.folding.partition import Flush, Partition
from services.runtime.folding.runner import Listener
from services.runtime.intake_rules import rates_of
from services.runtime.price_lists import PriceLists
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.spend import SpendSettings
from services.runtime.tenants.settings import TenantSettings
from services.sender.metrics import SENDER
from services.sender.outbound import Addressed, Products
from services.sender.tables import OUTBOX, SPENT

_MOST_NAMED = 10

AMOUNT = Gauge(
    "switchboard_budget_amount",
    "A tenant's budget for a day, in its currency; label: all, or the label that it is for",
    ["tenant", "label"],
    registry=SENDER,
)
SPENT_TODAY = Gauge(
    "switchboard_budget_spent",
    "What counts of it today, in its currency, by estimates; of the partitions owned, so the sum is over workers",
    ["tenant", "label"],
    registry=SENDER,
)
BLOCKED = Counter(
    "switchboard_budget_blocked_total",
    "Commands that a budget stopped, by why: spent (of a partition's share), unpriced, currency",
    ["tenant", "label", "why"],
    registry=SENDER,
)


class _Rules(NamedTuple):
    settings: SpendSettings
    budgets: tuple[Budget, ...]
    zone: ZoneInfo
    rates: Rates


class _Case(NamedTuple):
    """Why a command may not go, what it costs, and what counts already."""

    why: Literal["spent", "unpriced", "currency", "unread"]
    estimate: Estimate | None
    spent: Decimal = Decimal(0)


class Budgets(Listener):
    """`partitions`: of every topic, each with an equal share. `templates`: a tenant's, as they are now."""

    def __init__(
        self,
        products: Products,
        tenants: Tenants,
        prices: PriceLists,
        partitions: int,
        templates: Callable[[str], Catalogue] = lambda _: NO_TEMPLATES,
    ) -> None:
        self._products = products
        self._tenants = tenants
        self._prices = prices
        self._partitions = partitions
        self._templates = templates
        self._rules = Derived(tenants, lambda name, tenant: _rules(name, tenant, prices))
        self._reserved: dict[Partition, dict[str, Spend]] = {}
        tenants.listen(lambda _: self._tell_anew())

    def troubles(self) -> list[str]:
        """What holds up all commands for which there is a budget, for people."""
        waiting = sorted(name for name in self._tenants if self._rules[name].budgets)
        if self._prices.whole or not waiting:
            return [*chain.from_iterable(self._too_small(name) for name in waiting)]
        names = ", ".join(waiting[:_MOST_NAMED]) + (" …" if len(waiting) > _MOST_NAMED else "")
        return [f"{PRICES.name} is not read yet: what has a budget waits, of {names}"]

    def _too_small(self, name: str) -> Iterator[str]:
        """Budgets whose share of a partition is less than any price that is known."""
        rules = self._rules[name]
        for budget in rules.budgets:
            # One after the other: most budgets have room for the first.
            fits = (not exceeds(budget, self._partitions, Decimal(0), price) for price in _prices(rules))
            if next(fits, None) is False and not any(fits):
                whose = f"label {budget.label} of {name}" if budget.label else f"tenant {name}"
                yield (
                    f"the budget of {whose}, {budget.amount} {rules.settings.currency}, is less than one message for "
                    f"each of {self._partitions} partitions: nothing goes"
                )

    def look(self, partition: Partition, command: Addressed, moment: str) -> Overspent | None:
        """What stands against one more command: a budget of its tenant's that it would exceed."""
        rules = self._rules[command.tenant]
        applied = applying(rules.budgets, command.label)
        if not applied:
            return None
        if not self._prices.whole:
            # Nobody waits for it here: who waits in a turn takes it from the tenants that have no budget.
            return self._over(applied[0], rules, moment, _Case("unread", None))
        estimate = self._estimate(command, rules.rates)
        if estimate is None or estimate.currency != rules.settings.currency:
            if rules.settings.unpriced == "taken":
                return None
            return self._over(applied[0], rules, moment, _Case("currency" if estimate else "unpriced", estimate))
        for budget in applied:
            spent = self._spent(partition, command, rules, budget, moment)
            if exceeds(budget, self._partitions, spent, estimate.amount):
                return self._over(budget, rules, moment, _Case("spent", estimate, spent))
        return None

    def spend(self, command: Addressed, moment: str) -> Spend | None:
        """What an attempt of it takes; None: what it costs is not known."""
        rules = self._rules[command.tenant]
        estimate = self._estimate(command, rules.rates)
        if estimate is None:
            return None
        day = day_of(moment, rules.zone)
        return Spend(
            amount=estimate.amount, currency=estimate.currency, day=day.name, until=day.until, label=command.label
        )

    @contextmanager
    def reserving(self, partition: Partition, command: Addressed, spend: Spend | None) -> Iterator[None]:
        """While its attempt is written to the log others are judged as if it were there."""
        # Of one that is leaving nothing is committed any more.
        reserved = self._reserved.get(partition, {})
        if spend is not None:
            reserved[row_key(command)] = spend
        try:
            yield
        finally:
            reserved.pop(row_key(command), None)

    async def taken(self, partition: Partition) -> None:
        self._reserved[partition] = {}
        self._tell_anew()

    async def flushed(self, partition: Partition, flush: Flush) -> None:
        for key in flush.rows.get(SPENT, ()):
            name, _, day = key.partition(" ")
            label = day.partition(" ")[2] or None
            for budget in self._rules[name].budgets if name in self._tenants else ():
                if budget.label == label:
                    self._tell(name, budget)

    async def leaving(self, partition: Partition) -> None:
        self._reserved.pop(partition, None)
        self._tell_anew()

    def _estimate(self, command: Addressed, rates: Rates) -> Estimate | None:
        return self._products[command.kind].estimate(command, rates, self._templates(command.tenant))

    def _spent(self, partition: Partition, command: Addressed, rules: _Rules, budget: Budget, moment: str) -> Decimal:
        """What counts in this partition but for the command itself, which is judged again while it is attempted."""
        day, currency = day_of(moment, rules.zone).name, rules.settings.currency
        row: Spent | None = partition.read(budgets.row_key(command.tenant, day, budget.label), SPENT)
        own = row_key(command)

        def counts(tenant: str, spend: Spend | None) -> Decimal:
            fits = spend is not None and tenant == command.tenant and (spend.day, spend.currency) == (day, currency)
            return spend.amount if fits and spend and budget.label in (None, spend.label) else Decimal(0)

        spent = row.amounts.get(currency, Decimal(0)) if row else Decimal(0)
        if (entry := partition.read(own, OUTBOX)) is not None:
            spent -= counts(entry.tenant, counted(entry))
        for key, spend in self._reserved.get(partition, {}).items():
            entry = partition.read(key, OUTBOX)
            if key != own and entry is not None and counted(entry) != spend:
                spent += counts(entry.tenant, spend)
        return spent

    def _over(self, budget: Budget, rules: _Rules, moment: str, case: _Case) -> Overspent:
        estimate = case.estimate
        return Overspent(
            why=case.why,
            budget=f"{budget.amount}",
            currency=rules.settings.currency,
            label=budget.label,
            share=f"{(budget.amount / self._partitions).normalize():f}",
            spent=f"{case.spent:f}",
            estimate=f"{estimate.amount:f} {estimate.currency}" if estimate else None,
            until=day_of(moment, rules.zone).until,
            zone=rules.settings.zone,
        )

    def _tell_anew(self) -> None:
        """Budgets may have gone."""
        AMOUNT.clear()
        SPENT_TODAY.clear()
        for name in self._tenants:
            for budget in self._rules[name].budgets:
                self._tell(name, budget)

    def _tell(self, name: str, budget: Budget) -> None:
        """What the metrics say of a budget now."""
        rules = self._rules[name]
        label, currency = budget.label or "all", rules.settings.currency
        key = budgets.row_key(name, day_of(now(), rules.zone).name, budget.label)
        rows = (partition.read(key, SPENT) for partition in self._reserved)
        AMOUNT.labels(name, label).set(float(budget.amount))
        SPENT_TODAY.labels(name, label).set(
            float(sum((row.amounts.get(currency, Decimal(0)) for row in rows if row), Decimal(0)))
        )


def count(over: Overspent | None, tenant: str) -> None:
    """A budget has stopped a command."""
    if over is not None:
        BLOCKED.labels(tenant, over.label or "all", over.why).inc()


def _prices(rules: _Rules) -> Iterator[Decimal]:
    """The least that a message may cost, by what is assumed and by each country's list."""
    yield from rules.rates.assumed.values()
    for stated in rules.rates.list().values():
        if stated.cheapest is not None and stated.currency == rules.settings.currency:
            yield stated.cheapest


def _rules(name: str, tenant: TenantSettings, prices: PriceLists) -> _Rules:
    listed: Callable[[], Mapping[str, Any]] = lambda: prices.facts(name)  # noqa: E731
    told = tuple(Budget(one.amount, one.label) for one in tenant.spend.budgets)
    return _Rules(tenant.spend, told, ZoneInfo(tenant.spend.zone), rates_of(tenant, listed))
