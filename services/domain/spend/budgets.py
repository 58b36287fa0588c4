"""Budgets: what a tenant's messages may cost in a day, all of them or those of one label.

What counts is what an outbox's rows say (`outbox.entry.counted`): a command from its attempt on, in the day of that
attempt; no more once it is known that the attempt created nothing. The sums are rows of the same partition, folded in
the same transaction. Each partition has an equal share of a budget, so no worker asks another.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from services.domain.between import Between
from services.domain.clock import parse, to_iso
from services.domain.due import Due


class Budget(NamedTuple):
    """At most so much a day. `label`: of the commands with it alone; None: of all."""

    amount: Decimal
    label: str | None = None


class Day(NamedTuple):
    """A day of a tenant's: its date there, and when it is over."""

    name: str
    until: str


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt counts for: so much of that day, and of its label's. `until`: when the day is over."""

    amount: Decimal
    currency: str
    day: str
    until: str
    label: str | None = None


class SpendMoved(Between, frozen=True, kw_only=True):
    """A command counts for so much from now on; or, `back`, no more."""

    tenant: str
    spend: Spend
    back: bool = False


class _Part(NamedTuple):
    """What a move does to one row. `label`: None for that of all."""

    moved: SpendMoved
    label: str | None


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What counts for one day, by currency. Key: tenant, day and label, see `row_key`."""

    until: str
    amounts: dict[str, Decimal]


class Overspent(msgspec.Struct, frozen=True, kw_only=True):
    """What stands against a command. `why`: the budget is `spent`; what it costs is not known (`unpriced`), or known in
    another currency alone (`currency`), or the price list is not read yet (`unread`).

    `budget`: of a day; `label`: whose, null for all. `share`: of this partition, of which `spent` counts. `estimate`:
    what the command costs at most. `until`: when the day is over; `zone`: in which zone.
    """

    why: Literal["spent", "unpriced", "currency", "unread"]
    budget: str
    currency: str
    label: str | None = None
    share: str
    spent: str
    estimate: str | None = None
    until: str
    zone: str


def day_of(moment: str, zone: tzinfo) -> Day:
    """The day in which a moment is. Where the clocks skip midnight it ends when they do."""
    date = parse(moment).astimezone(zone).date()
    end = datetime.combine(date + timedelta(days=1), datetime.min.time(), zone)
    return Day(date.isoformat(), to_iso(end))


def row_key(tenant: str, day: str, label: str | None) -> str:
    """No tenant, day or label has a blank in it."""
    return f"{tenant} {day}" if label is None else f"{tenant} {day} {label}"


def key_of(part: _Part) -> str:
    return row_key(part.moved.tenant, part.moved.spend.day, part.label)


def parts(moved: SpendMoved) -> Sequence[_Part]:
    """The rows that a move changes: that of all, and that of its label."""
    label = moved.spend.label
    return [_Part(moved, one) for one in ((None,) if label is None else (None, label))]


def fold(state: Spent | None, event: "_Part | Due") -> tuple[Spent | None, tuple[()]]:
    """A row ends with its day: what is given back after that is of no day that counts."""
    if isinstance(event, Due):
        return None, ()
    spend, back = event.moved.spend, event.moved.back
    if state is None and back:
        return None, ()
    known = state or Spent(until=spend.until, amounts={})
    before = known.amounts.get(spend.currency, Decimal(0))
    after = before - spend.amount if back else before + spend.amount
    # The zone of a tenant may change within the day: then it is over when the later of both is.
    until = max(known.until, spend.until)
    return Spent(until=until, amounts={**known.amounts, spend.currency: after}), ()


def due(row: Spent) -> str:
    return row.until


def exceeds(budget: Budget, partitions: int, spent: Decimal, amount: Decimal) -> bool:
    """Whether one more of this amount is more than a partition's share. Exact: nothing is divided."""
    return (spent + amount) * partitions > budget.amount


def applying(budgets: Iterable[Budget], label: str | None) -> list[Budget]:
    """Those that a command of this label counts for: its label's first, which is the closer one."""
    found = [one for one in budgets if one.label in (None, label)]
    return sorted(found, key=lambda one: one.label is None)
