"""Budgets and estimates: what counts, in which day, for how long, and when one more is too many."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.due import Due
from services.domain.gate.decide import decide
from services.domain.outbox.facts import Unknown
from services.domain.outbox.verdicts import Verdict
from services.domain.results import CommandResult
from services.domain.spend.budgets import (
    Budget,
    Overspent,
    Spend,
    SpendMoved,
    Spent,
    applying,
    day_of,
    exceeds,
    fold,
    key_of,
    parts,
    row_key,
)
from services.domain.spend.estimating import Priced, Rates, estimate
from services.domain.spend.listing import stated
from tests.domain.test_gate import question, view
from tests.domain.test_intake import RULES, taken
from tests.sender import histories
from tests.sender.histories import OUTBOX, accepted, at, attempted, attempting, canceled, created, outcome, refused

NOW = "2026-11-30T12:00:00.000Z"


def listed(country: str, *prices: str, currency: str = "usd") -> Any:
    told = [{"prices": [{"number_type": "mobile", "base_price": "9", "current_price": one}]} for one in prices]
    resource = {"iso_country": country, "price_unit": currency, "outbound_sms_prices": told}
    return stated("acme", resource, NOW)


def rates(*prices: Any, **more: Any) -> Rates:
    return Rates(lambda: {one.country: one for one in prices}, **more)


US, CA = listed("US", "0.0075", "0.0079"), listed("CA", "0.01")


@pytest.mark.parametrize(
    ("known", "message", "amount"),
    [
        pytest.param(rates(US), Priced("sms", "+14155550123", "US", 3), "0.0237", id="the dearest network"),
        pytest.param(rates(US), Priced("sms", "+4915112345678", "DE", 1), None, id="no list of that country"),
        pytest.param(rates(US, CA), Priced("sms", "+12005550123", None, 1), None, id="of +1 not all are listed"),
        pytest.param(rates(US), Priced("whatsapp", "+14155550123", "US", None), None, id="no list has WhatsApp"),
        pytest.param(rates(US), Priced("mms", "+14155550123", "US", None), None, id="no list has MMS"),
        pytest.param(rates(US), Priced("sms", "+14155550123", "US", None), None, id="nor a template counted segments"),
        pytest.param(
            rates(US, surcharges={"US": Decimal("0.003")}), Priced("sms", "+1415", "US", 2), "0.0218", id="surcharged"
        ),
        pytest.param(
            rates(US, assumed={"sms": Decimal("0.05")}), Priced("sms", "+1415", "US", 2), "0.0158", id="the list wins"
        ),
        pytest.param(
            rates(assumed={"sms": Decimal("0.05")}), Priced("sms", "+1415", "US", 2), "0.10", id="by what is assumed"
        ),
        pytest.param(
            rates(assumed={"sms": Decimal("0.05")}), Priced("sms", "+1415", "US", None), "0.05", id="of a message"
        ),
        pytest.param(
            rates(listed("DE", "0.1"), listed("US", "0.2", currency="eur")),
            Priced("sms", "+4915112345678", None, 1),
            "0.1",
            id="by the calling code",
        ),
        pytest.param(rates(listed("US")), Priced("sms", "+14155550123", "US", 1), None, id="a list without a price"),
    ],
)
def test_an_estimate_is_the_dearest_that_applies_or_none(known: Rates, message: Priced, amount: str | None) -> None:
    found = estimate(known, message)
    assert (None if found is None else str(found.amount)) == amount


@pytest.mark.parametrize("price", ["1e999999", "1e6", "1e-999999", "9" * 33, "-1", "NaN"])
def test_a_price_that_can_be_none_is_refused_with_its_list(price: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        listed("US", price)


@pytest.mark.parametrize("price", ["1e999999", "Infinity"])
def test_an_absurd_price_on_the_log_is_no_price_and_stops_nobody(price: str) -> None:
    [carrier] = US.outbound[:1]
    absurd = replace(US, outbound=[replace(carrier, prices=[replace(carrier.prices[0], current=Decimal(price))])])
    assert estimate(rates(absurd), Priced("sms", "+14155550123", "US", 20)) is None


def test_intake_puts_the_estimate_into_what_it_accepts() -> None:
    said = taken(RULES._replace(rates=rates(US)), body="a" * 161)
    assert (said.segments, said.estimate and str(said.estimate.amount)) == (2, "0.0158")
    told = [one for one in OUTBOX.fold(None, said)[1] if isinstance(one, CommandResult)]
    assert [one.estimate for one in told] == [said.estimate]


@pytest.mark.parametrize(
    ("zone", "moment", "day", "until"),
    [
        ("UTC", "2026-11-30T23:59:59.999Z", "2026-11-30", "2026-12-01T00:00:00.000Z"),
        ("Europe/Berlin", "2026-11-30T23:00:00.000Z", "2026-12-01", "2026-12-01T23:00:00.000Z"),
        # A day of 25 hours, one of 23, and one whose midnight the clocks skipped.
        ("Europe/Berlin", "2026-10-25T10:00:00.000Z", "2026-10-25", "2026-10-25T23:00:00.000Z"),
        ("Europe/Berlin", "2026-03-29T10:00:00.000Z", "2026-03-29", "2026-03-29T22:00:00.000Z"),
        ("America/Sao_Paulo", "2018-11-04T02:59:59.999Z", "2018-11-03", "2018-11-04T03:00:00.000Z"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00.000Z", "2018-11-04", "2018-11-05T02:00:00.000Z"),
    ],
)
def test_a_day_is_the_tenants_and_ends_when_the_next_begins(zone: str, moment: str, day: str, until: str) -> None:
    assert day_of(moment, ZoneInfo(zone)) == (day, until)


def test_shares_are_exact_and_all_of_them_are_never_more_than_the_budget() -> None:
    budget = Budget(Decimal("1"))
    spent, count = Decimal(0), 0
    while not exceeds(budget, 3, spent, Decimal("0.11")):
        spent, count = spent + Decimal("0.11"), count + 1
    assert (count, spent * 3 <= budget.amount) == (3, True)
    # To the last fraction: a third of it is no number that a machine has.
    assert not exceeds(Budget(Decimal("0.3")), 3, Decimal("0.1") - Decimal("0.01"), Decimal("0.01"))
    assert exceeds(Budget(Decimal("0.3")), 3, Decimal("0.1"), Decimal("0.000001"))


def test_a_command_counts_for_its_labels_budget_and_for_that_of_all() -> None:
    every, news, other = Budget(Decimal(1)), Budget(Decimal(2), "news"), Budget(Decimal(3), "other")
    assert applying([every, news, other], "news") == [news, every]
    assert applying([every, news, other], None) == [every]
    assert applying([news], "else") == []


OVER = Overspent(
    why="spent", budget="10", currency="USD", share="2.5", spent="2.49", estimate="0.02 USD",
    until="2026-11-30T23:00:00.000Z", zone="Europe/Berlin",
)  # fmt: skip


def test_the_gate_names_the_budget_what_is_spent_and_when_the_day_ends() -> None:
    verdict = decide(question(), view(overspent=OVER))
    assert (verdict.decision, verdict.rule) == ("blocked", "budget")
    for word in ("tenant acme", "10 USD", "2.5", "2.49", "0.02", "2026-11-30T23:00:00.000Z", "Europe/Berlin"):
        assert word in verdict.reason
    of_label = decide(question(), view(overspent=replace(OVER, label="news")))
    assert "label news" in of_label.reason
    unknown = decide(question(), view(overspent=replace(OVER, why="unpriced", estimate=None)))
    assert "not known" in unknown.reason
    assert "prices sync" in unknown.remedy
    assert "only as 0.02 USD" in decide(question(), view(overspent=replace(OVER, why="currency"))).reason
    # Nothing prices what a flow sends: neither a list nor what is assumed.
    flow = decide(question(unseen=True), view(overspent=replace(OVER, why="unpriced", estimate=None)))
    assert ("prices sync" in flow.remedy, "spend.assumed" in flow.remedy, "labels" in flow.remedy) == (
        False,
        False,
        True,
    )
    # A wait and no end: nothing is known of prices before they are read.
    unread = decide(question(), view(overspent=replace(OVER, why="unread", estimate=None)))
    assert (unread.decision, unread.rule, unread.until is not None) == ("deferred", "prices", True)
    # What is owed to who said STOP or START, and what a dry run would have said.
    assert decide(question(confirms="stop"), view(overspent=OVER)).decision == "allow"
    assert decide(question(), view(overspent=OVER, dry_run=True)).rule == "budget"


LOST, HELD = Unknown(reason="no answer"), Verdict("deferred", "pause", "paused", condition="pause label acme x")
DAYS = {"2026-11-30": "2026-12-01T00:00:00.000Z", "2026-12-01": "2026-12-02T00:00:00.000Z"}


class Books:
    """Rows of the outbox and of what is spent, as one partition folds them."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}
        self.spent: dict[str, Spent] = {}
        self.told: dict[str, list[str]] = {}

    def take(self, event: Any) -> None:
        key = event.command_id
        after, derived = OUTBOX.fold(self.entries.get(key), event)
        self.entries[key] = after
        for one in derived:
            if isinstance(one, SpendMoved):
                self._move(one)
            elif isinstance(one, CommandResult):
                self.told.setdefault(key, []).append(one.step)

    def _move(self, moved: SpendMoved) -> None:
        for part in parts(moved):
            row, _ = fold(self.spent.get(key_of(part)), part)
            if row is not None:
                self.spent[key_of(part)] = row

    def sums(self) -> dict[str, Decimal]:
        found = {(key, unit): sum_ for key, row in self.spent.items() for unit, sum_ in row.amounts.items()}
        return {f"{key} {unit}": sum_ for (key, unit), sum_ in found.items() if sum_}


def taking(amount: str = "0.01", day: str = "2026-11-30", label: str | None = None) -> Spend:
    return Spend(amount=Decimal(amount), currency="USD", day=day, until=DAYS[day], label=label)


LIMITED = refused(20429, retry_at=at(2))


@pytest.mark.parametrize(
    ("events", "counts"),
    [
        pytest.param([accepted()], False, id="what waits counts nothing"),
        pytest.param([accepted(not_before=at(9))], False, id="nor what is for later"),
        pytest.param([accepted(), histories.judged(HELD)], False, id="nor what is held"),
        pytest.param([accepted(), canceled()], False, id="nor what is canceled"),
        pytest.param([accepted(), attempting(1)], True, id="an attempt counts before its end is known"),
        pytest.param([accepted(), attempting(1), attempted(1, created())], True, id="sent"),
        pytest.param([accepted(), attempting(1), attempted(1, created()), outcome(status="failed")], True, id="lost"),
        pytest.param([accepted(), attempting(1), attempted(1, LOST)], True, id="it may have been sent"),
        pytest.param([accepted(), attempting(1), attempted(1, refused())], False, id="refused for good"),
        pytest.param([accepted(), attempting(1), attempted(1, LIMITED)], False, id="refused for now"),
        pytest.param([accepted(), attempting(1), canceled(), attempted(1, LIMITED)], False, id="canceled under way"),
        pytest.param([accepted(), attempting(1), attempted(1, LOST), histories.resolved(None)], False, id="not sent"),
        pytest.param(
            [accepted(), attempting(1), attempted(1, LOST), histories.resolved(None), outcome()], True, id="sent yet"
        ),
        pytest.param([accepted(), attempting(1), attempted(1, refused()), outcome()], True, id="what failed was sent"),
        pytest.param([accepted(), attempting(1), attempting(1), attempted(1, created()), attempted(1, created())], True,
                     id="told twice"),
    ],
)  # fmt: skip
def test_what_counts(events: list[Any], counts: bool) -> None:
    books = Books()
    for event in events:
        spent = {"spend": taking(label="news")} if type(event).__name__ == "Attempting" else {}
        books.take(replace(event, **spent))
    wanted = {row_key("acme", "2026-11-30", label) + " USD": Decimal("0.01") for label in (None, "news")}
    assert books.sums() == (wanted if counts else {})


def test_a_retry_counts_in_the_day_of_its_own_attempt() -> None:
    books = Books()
    nobody_called = refused(None, retry_at=at(2))
    books.take(accepted())
    books.take(replace(attempting(1), spend=taking()))
    books.take(attempted(1, nobody_called))
    assert books.sums() == {}
    books.take(replace(attempting(2), spend=taking("0.02", "2026-12-01")))
    assert books.sums() == {"acme 2026-12-01 USD": Decimal("0.02")}


def test_a_row_ends_with_its_day_and_nothing_is_given_back_to_a_day_that_is_over() -> None:
    moved = SpendMoved(tenant="acme", spend=taking())
    [part] = parts(moved)
    row, _ = fold(None, part)
    assert row is not None
    assert fold(row, Due(key="", at=row.until)) == (None, ())
    [back] = parts(replace(moved, back=True))
    assert fold(None, back) == (None, ())


COMMANDS = [f"order-{number}" for number in range(3)]
LABELS = dict(zip(COMMANDS, (None, "news", "news"), strict=True))


@st.composite
def deeds(draw: Any) -> Any:
    """What may come of one of the commands, whether it fits its state or not."""
    name = draw(st.sampled_from(COMMANDS))
    number = draw(st.integers(1, 3))
    spend = taking(draw(st.sampled_from(["0.01", "0.5"])), draw(st.sampled_from(sorted(DAYS))), LABELS[name])
    ends = (created(f"SM {name}"), LOST, refused(), LIMITED, refused(20003, fault="account"))
    return draw(
        st.sampled_from(
            [
                accepted(name, label=LABELS[name]),
                replace(attempting(number, command_id=name), spend=spend),
                *(attempted(number, end, command_id=name) for end in ends),
                canceled(command_id=name),
                outcome(f"SM {name}", command_id=name),
                histories.settled(f"SM {name}", command_id=name),
                histories.resolved(None, command_id=name),
                histories.judged(HELD, command_id=name),
                histories.released("pause label acme x", command_id=name),
            ]
        )
    )


class Oracle:
    """What counts, by what was told of each command alone: it knows no row, and no move."""

    def __init__(self) -> None:
        self.begun: dict[str, Spend] = {}
        self.proven: set[str] = set()

    def heard(self, event: Any, told: list[str], new: list[str]) -> None:
        name, kind = event.command_id, type(event).__name__
        if "attempted" in new and kind == "Attempting":
            self.begun[name] = event.spend
        if kind in ("OutcomeReached", "Settled") and told:
            # Nobody tells of a message that there is not.
            self.proven.add(name)

    def sums(self, told: dict[str, list[str]]) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for name, spend in self.begun.items():
            own = [one for one in told[name] if one in ENDS or one in BACK or one == "attempted"]
            if name in self.proven or own[-1] not in BACK:
                for label in dict.fromkeys((None, spend.label)):
                    key = f"{row_key('acme', spend.day, label)} USD"
                    found[key] = found.get(key, Decimal(0)) + spend.amount
        return found


ENDS, BACK = ("ambiguous", "sent"), ("retrying", "deferred", "failed", "canceled")


@settings(max_examples=300)
@given(st.lists(deeds(), max_size=40))
def test_what_is_spent_is_what_was_told_in_any_order_and_however_often(events: list[Any]) -> None:
    books, oracle = Books(), Oracle()
    for name in COMMANDS:
        books.take(accepted(name, label=LABELS[name]))
    for event in events:
        before = len(books.told.get(event.command_id, []))
        books.take(event)
        told = books.told.get(event.command_id, [])
        oracle.heard(event, told, told[before:])
        assert books.sums() == oracle.sums(books.told)
