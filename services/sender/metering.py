"""What metrics and people are told of budgets: how much of each is spent today, what it stopped, what holds it up."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import chain

from prometheus_client import Counter, Gauge

from services.contract.prices import PRICES
from services.domain.spend import budgets
from services.domain.spend.budgets import Budget, Overspent, day_of, exceeds
from services.runtime.clock import now
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.price_lists import PriceLists
from services.runtime.tenants.live import Tenants
from services.sender.budgets import Spending
from services.sender.metrics import SENDER
from services.sender.tables import SPENT

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


class Meter(Listener):
    """`rules`: by tenant. `partitions`: of every topic, each with an equal share of a budget."""

    def __init__(self, tenants: Tenants, rules: Mapping[str, Spending], prices: PriceLists, partitions: int) -> None:
        self._rules = rules
        self._prices = prices
        self._partitions = partitions
        self._owned: set[Partition] = set()
        tenants.listen(lambda _: self._tell_anew())

    def troubles(self) -> list[str]:
        """What holds up all commands for which there is a budget, for people."""
        waiting = sorted(name for name in self._rules if self._rules[name].budgets)
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

    async def taken(self, partition: Partition) -> None:
        self._owned.add(partition)
        self._tell_anew()

    async def folded(self, partition: Partition, changed: Changed) -> None:
        for key in changed.rows.get(SPENT, ()):
            name, _, day = key.partition(" ")
            label = day.partition(" ")[2] or None
            for budget in self._rules[name].budgets if name in self._rules else ():
                if budget.label == label:
                    self._tell(name, budget)

    async def leaving(self, partition: Partition) -> None:
        self._owned.discard(partition)
        self._tell_anew()

    def _tell_anew(self) -> None:
        """Budgets may have gone."""
        AMOUNT.clear()
        SPENT_TODAY.clear()
        for name in self._rules:
            for budget in self._rules[name].budgets:
                self._tell(name, budget)

    def _tell(self, name: str, budget: Budget) -> None:
        """What the metrics say of a budget now."""
        rules = self._rules[name]
        label, currency = budget.label or "all", rules.settings.currency
        key = budgets.row_key(name, day_of(now(), rules.zone).name, budget.label)
        rows = (partition.read(key, SPENT) for partition in self._owned)
        AMOUNT.labels(name, label).set(float(budget.amount))
        SPENT_TODAY.labels(name, label).set(
            float(sum((row.amounts.get(currency, Decimal(0)) for row in rows if row), Decimal(0)))
        )


def count(over: Overspent | None, tenant: str) -> None:
    """A budget has stopped a command."""
    if over is not None:
        BLOCKED.labels(tenant, over.label or "all", over.why).inc()


def _prices(rules: Spending) -> Iterator[Decimal]:
    """The least that a message may cost, by what is assumed and by each country's list."""
    yield from rules.rates.assumed.values()
    for stated in rules.rates.list().values():
        if stated.cheapest is not None and stated.currency == rules.settings.currency:
            yield stated.cheapest
