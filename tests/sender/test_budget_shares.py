"""A budget as the gate sees it, without Kafka: what is reserved, what is one's own, and what changes meanwhile."""

import asyncio
from decimal import Decimal
from typing import Any, cast

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from services.domain.messages.commands import CommandAccepted
from services.domain.outbox.entry import Entry, row_key
from services.domain.spend.budgets import Spent
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Together
from services.runtime.price_lists import PriceLists
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.files import Found, Said
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.budgets import Budgets, spending_of
from services.sender.metering import Meter
from services.sender.metrics import SENDER
from services.sender.tables import OUTBOX, SPENT
from tests.sender.histories import accepted, attempted, attempting, created, history
from tests.sender.products import PRODUCTS

NOON, MIDNIGHT = "2026-11-30T12:00:00.000Z", "2026-12-01T00:00:00.000Z"


def tenant(*budgets: dict[str, Any], **spend: Any) -> TenantSettings:
    told = {"assumed": {"sms": "0.1"}, "budgets": list(budgets), **spend}
    return TenantSettings(
        account_sid="AC" + "a" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("s"), spend=told
    )


class Rows:
    """A partition: what is committed of the outbox, and of what is spent."""

    def __init__(self) -> None:
        self.tables: dict[str | None, dict[str, Any]] = {OUTBOX: {}, SPENT: {}}

    def read(self, key: str, table: str | None = None) -> Any:
        return self.tables[table].get(key)

    def put(self, entry: Entry) -> None:
        self.tables[OUTBOX][row_key(entry)] = entry

    @property
    def partition(self) -> Partition:
        return cast(Partition, self)


class Prices(PriceLists):
    """Read, or not yet."""

    whole = True

    def __init__(self) -> None:
        super().__init__(KafkaSettings())


class Desk:
    """Budgets of one tenant, over two partitions of which one is here."""

    def __init__(self, *budgets: dict[str, Any], **spend: Any) -> None:
        self.tenants, self.rows = Tenants(), Rows()
        self.set(*budgets, **spend)
        self.prices = Prices()
        rules = spending_of(self.tenants, self.prices)
        self.budgets = Budgets(PRODUCTS, rules, self.prices, 2)
        self.meter = Meter(self.tenants, rules, self.prices, 2)
        asyncio.run(Together(self.budgets, self.meter).taken(self.rows.partition))

    def set(self, *budgets: dict[str, Any], **spend: Any) -> None:
        self.tenants.take(Found({"acme": Said(tenant(*budgets, **spend))}))

    def command(self, name: str, **fields: Any) -> CommandAccepted:
        made = accepted(name, segments=1, **fields)
        entry, _ = history([made])
        self.rows.put(cast(Entry, entry))
        return made

    def why(self, command: CommandAccepted, at: str = NOON) -> str | None:
        over = self.budgets.look(self.rows.partition, command, at)
        return over.why if over else None

    def spent(self, amount: str, label: str | None = None, day: str = "2026-11-30") -> None:
        key = f"acme {day}" if label is None else f"acme {day} {label}"
        self.rows.tables[SPENT][key] = Spent(until=MIDNIGHT, amounts={"USD": Decimal(amount)})


ALL, NEWS = {"amount": "0.4"}, {"amount": "0.2", "label": "news"}


def test_those_that_are_judged_at_once_share_what_is_left() -> None:
    desk = Desk(ALL)
    one, two, three = (desk.command(f"order-{number}") for number in range(3))
    assert [desk.why(command) for command in (one, two, three)] == [None] * 3
    with (
        desk.budgets.reserving(desk.rows.partition, one, desk.budgets.spend(one, NOON)),
        desk.budgets.reserving(desk.rows.partition, two, desk.budgets.spend(two, NOON)),
    ):
        assert desk.why(three) == "spent"
        # Its own is none that stands against it.
        assert desk.why(one) is None
        # What is committed counts once, though it is reserved still.
        begun, _ = history([one, replace(attempting(1, command_id="order-0"), spend=desk.budgets.spend(one, NOON))])
        desk.rows.put(cast(Entry, begun))
        desk.spent("0.1")
        assert desk.why(two) is None
        assert desk.why(three) == "spent"
    # Nobody was called, and nothing was committed of the second.
    assert desk.why(three) is None


def test_who_is_judged_again_while_it_is_attempted_is_not_one_more() -> None:
    desk = Desk(ALL)
    one, two = desk.command("order-1"), desk.command("order-2")
    spend = desk.budgets.spend(one, NOON)
    events = [one, replace(attempting(1, command_id="order-1"), spend=spend)]
    desk.rows.put(cast(Entry, history(events)[0]))
    desk.spent("0.2")
    assert (desk.why(one), desk.why(two)) == (None, "spent")
    desk.rows.put(cast(Entry, history([*events, attempted(1, created(), command_id="order-1")])[0]))
    assert desk.why(two) == "spent"


def test_a_budget_that_is_raised_counts_at_once_and_a_new_day_begins_at_nought() -> None:
    desk = Desk(ALL, zone="Europe/Berlin")
    command = desk.command("order-1")
    desk.spent("0.2")
    assert desk.why(command) == "spent"
    # It is tomorrow in Berlin already.
    assert desk.why(command, "2026-11-30T23:00:00.000Z") is None
    desk.set({"amount": "0.6"}, zone="Europe/Berlin")
    assert desk.why(command) is None
    desk.set(zone="Europe/Berlin")
    desk.spent("1000")
    assert desk.why(command) is None


def test_a_labels_budget_asks_its_own_alone() -> None:
    desk = Desk(NEWS)
    desk.spent("0.1", "news")
    assert desk.why(desk.command("order-1", label="news")) == "spent"
    assert desk.why(desk.command("order-2", label="other")) is None
    assert desk.why(desk.command("order-3")) is None


@pytest.mark.parametrize(("unpriced", "why"), [("blocked", "unpriced"), ("taken", None)])
def test_what_nobody_can_price_stops_or_goes_as_the_tenant_says(unpriced: str, why: str | None) -> None:
    desk = Desk(ALL, unpriced=unpriced)
    command = desk.command("order-1", channel="mms")
    assert desk.why(command) == why
    assert desk.budgets.spend(command, NOON) is None


def test_metrics_tell_of_budgets_that_there_are() -> None:
    desk = Desk(ALL, NEWS)
    amount = {"tenant": "acme", "label": "news"}
    assert SENDER.get_sample_value("switchboard_budget_amount", amount) == 0.2
    asyncio.run(desk.meter.folded(desk.rows.partition, Changed({SPENT: {"acme 2026-11-30": None}}, {})))
    assert SENDER.get_sample_value("switchboard_budget_spent", {"tenant": "acme", "label": "all"}) == 0
    desk.set(ALL)
    assert SENDER.get_sample_value("switchboard_budget_amount", amount) is None


def test_until_prices_are_read_what_has_a_budget_is_deferred_and_said() -> None:
    desk = Desk(NEWS)
    desk.prices.whole = False
    assert desk.why(desk.command("order-1", label="news")) == "unread"
    assert desk.why(desk.command("order-2")) is None
    [trouble] = desk.meter.troubles()
    assert ("twilio.prices.v1" in trouble, "acme" in trouble) == (True, True)
    desk.prices.whole = True
    assert desk.why(desk.command("order-1", label="news")) is None
    assert desk.meter.troubles() == []


def test_a_flush_tells_of_the_budgets_that_it_changed_alone() -> None:
    """There may be a hundred of a tenant, and sixty partitions."""
    desk = Desk(ALL, NEWS, *({"amount": 1, "label": f"label-{number}"} for number in range(90)))
    asked: list[str] = []
    read = desk.rows.read

    def reading(key: str, table: str | None = None) -> Any:
        asked.append(key)
        return read(key, table)

    desk.rows.read = reading  # type: ignore[method-assign]
    changed = dict.fromkeys(["acme 2026-11-30", "acme 2026-11-30 news", "gone 2026-11-30"])
    asyncio.run(desk.meter.folded(desk.rows.partition, Changed({SPENT: changed}, {})))
    assert [key.split(" ")[2:] for key in asked] == [[], ["news"]]


def test_a_budget_whose_share_is_less_than_one_message_is_said() -> None:
    assert Desk(ALL).meter.troubles() == []
    [trouble] = Desk(ALL, {"amount": "0.19", "label": "news"}).meter.troubles()
    assert all(word in trouble for word in ("news", "acme", "0.19 USD", "2 partitions"))
    # One of several channels fits; nothing is known of any.
    assert Desk({"amount": "0.19"}, assumed={"whatsapp": "0.5", "sms": "0.01"}).meter.troubles() == []
    assert Desk({"amount": "0.19"}, assumed={}).meter.troubles() == []
