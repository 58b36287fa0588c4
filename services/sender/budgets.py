"""A tenant's budgets, as the gate is told of them: what counts in a partition, and what is about to.

What an attempt takes is reserved in memory from its verdict until its row is committed: others of the partition are
judged meanwhile. Whoever is killed in between has called nobody.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from services.domain.outbox.entry import counted, row_key
from services.domain.spend import budgets
from services.domain.spend.budgets import Budget, Overspent, Spend, Spent, applying, day_of, exceeds
from services.domain.spend.estimating import Estimate, Rates
from services.domain.templates.catalogue import NO_TEMPLATES, Catalogue
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.intake_rules import rates_of
from services.runtime.price_lists import PriceLists
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.spend import SpendSettings
from services.runtime.tenants.settings import TenantSettings
from services.sender.outbound import Addressed, Products
from services.sender.tables import OUTBOX, SPENT


class Spending(NamedTuple):
    """A tenant's budgets, when their days begin, and what it knows of prices."""

    settings: SpendSettings
    budgets: tuple[Budget, ...]
    zone: ZoneInfo
    rates: Rates


class _Case(NamedTuple):
    """Why a command may not go, what it costs, and what counts already."""

    why: Literal["spent", "unpriced", "currency", "unread"]
    estimate: Estimate | None
    spent: Decimal = Decimal(0)


class Reserving:
    """A context: what an attempt takes is reserved under its row's key. None: nothing is known of that."""

    __slots__ = ("_reserved", "_row", "_spend")

    def __init__(self, reserved: dict[str, Spend], row: str, spend: Spend | None) -> None:
        self._reserved, self._row, self._spend = reserved, row, spend

    def __enter__(self) -> None:
        if self._spend is not None:
            self._reserved[self._row] = self._spend

    def __exit__(self, *_: object) -> None:
        self._reserved.pop(self._row, None)


class Budgets(Listener):
    """`rules`: by tenant. `partitions`: of every topic, each with an equal share. `templates`: a tenant's, as they are
    now."""

    def __init__(
        self,
        products: Products,
        rules: Mapping[str, Spending],
        prices: PriceLists,
        partitions: int,
        templates: Callable[[str], Catalogue] = lambda _: NO_TEMPLATES,
    ) -> None:
        self._products = products
        self._rules = rules
        self._prices = prices
        self._partitions = partitions
        self._templates = templates
        self._reserved: dict[Partition, dict[str, Spend]] = {}

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

    def reserving(self, partition: Partition, command: Addressed, spend: Spend | None) -> Reserving:
        """A context: while its attempt is written to the log others are judged as if it were there."""
        # Of one that is leaving nothing is committed any more.
        return Reserving(self._reserved.get(partition, {}), row_key(command), spend)

    async def taken(self, partition: Partition) -> None:
        self._reserved[partition] = {}

    async def leaving(self, partition: Partition) -> None:
        self._reserved.pop(partition, None)

    def _estimate(self, command: Addressed, rates: Rates) -> Estimate | None:
        return self._products[command.kind].estimate(command, rates, self._templates(command.tenant))

    def _spent(self, partition: Partition, command: Addressed, rules: Spending, budget: Budget, moment: str) -> Decimal:
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

    def _over(self, budget: Budget, rules: Spending, moment: str, case: _Case) -> Overspent:
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


def spending_of(tenants: Tenants, prices: PriceLists) -> Mapping[str, Spending]:
    """Each tenant's, as they are now."""

    def rules(name: str, tenant: TenantSettings) -> Spending:
        told = tuple(Budget(one.amount, one.label) for one in tenant.spend.budgets)
        known = rates_of(tenant, lambda: prices.facts(name))
        return Spending(tenant.spend, told, ZoneInfo(tenant.spend.zone), known)

    return Derived(tenants, rules)
