"""What messages cost: in any order of what is told each price once, and sums that add up."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.messages import costs
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.costs import AGAIN_S, Bill, CostLooked, CostStated, CostUnread, lists, price_of
from services.operations.costs import Sums
from tests.domain.histories import COMMAND, Fact, callback, created, reorderings

NOW = "2026-02-21T19:00:00.000Z"


def found(price: str = "-0.00750", **other: Any) -> MessageAtTwilio:
    fields = {"num_segments": "2", "price_unit": "usd", "from_": "+14155550100", "to": "+14155550123", **other}
    return MessageAtTwilio(
        sid="SM1",
        account_sid="AC1",
        inbound=False,
        at="2026-02-21T18:22:05.000Z",
        status="delivered",
        price=price,
        **fields,
    )


def look(message: MessageAtTwilio | None, at: str = NOW) -> CostLooked:
    return CostLooked(tenant="acme", message_sid="SM1", at=at, found=message, provenance="list")


def play(events: list[Any], state: Bill | None = None) -> tuple[Bill | None, list[CostStated]]:
    told: list[CostStated] = []
    for event in events:
        state, stated = costs.fold(state, event)
        told += stated
    return state, told


@given(reorderings(), st.integers(0, 12), st.integers(1, 3))
def test_any_order_and_repetition_give_one_price_and_the_same_row(
    case: tuple[list[Fact], list[Fact]], place: int, looks: int
) -> None:
    facts, again = case
    row, told = play([*facts, *[look(found())] * looks])
    assert (len(told), lists(row) if row else None) == (1, ())
    # Wherever the look falls among the facts: before the first it finds nobody to ask for.
    shuffled: list[Any] = [*again[: place + 1], *[look(found())] * looks, *again[place + 1 :]]
    other, repeated = play(shuffled)
    assert other == row
    assert [one.event_id for one in repeated] == [one.event_id for one in told]
    assert {(one.price, one.currency, one.segments) for one in (*told, *repeated)} == {(Decimal("0.0075"), "USD", 2)}


def test_a_price_has_the_commands_label_and_template_from_what_the_sender_noted() -> None:
    noted = replace(created(), label="news", template="order_shipped", country="US")
    _, [told] = play([callback("delivered"), noted, look(found())])
    assert (told.command_id, told.label, told.template, told.country) == (COMMAND, "news", "order_shipped", "US")
    # A message that this house did not make: what Twilio says of it, and nothing of what it has masked.
    _, [foreign] = play([callback("delivered", command_id=None), look(found())])
    assert (foreign.command_id, foreign.label, foreign.country) == (None, None, "US")
    _, [masked] = play([callback("delivered", command_id=None), look(found(to="+1415555XXXX"))])
    assert masked.country == ""
    _, [mms] = play([created(), look(found(num_media=1))])
    assert mms.channel == "mms"


def test_no_price_yet_is_looked_for_again_and_given_up_at_last() -> None:
    row, told = play([created(), callback("delivered", 5)])
    assert row is not None
    assert lists(row) == ("acme AC1 ended 2026-02-21T18:22:05.000Z",)
    at = NOW
    for wait_s in AGAIN_S:
        row, told = play([look(found(price=""), at)], row)
        at = later(at, wait_s)
        assert row is not None
        assert (told, lists(row)) == ([], (f"acme AC1 again {at}",))
    row, told = play([look(None, at)], row)
    assert row is not None
    assert (told, lists(row), row.told) == ([], (), False)
    # It is remembered for as long as its facts may be read again.
    assert costs.due(row) > later(row.heard_at, 31 * 86_400)
    assert play([Due(key="", at=costs.due(row))], row) == (None, [])


@pytest.mark.parametrize("looks", [1, len(AGAIN_S) + 1])
def test_what_ends_after_looks_is_looked_for_anew(looks: int) -> None:
    """A phone that is off for days: the looks so far were at what could have no price yet."""
    row, _ = play([created(), callback("sent", 1), *[look(found(price=""))] * looks])
    assert row is not None
    end = callback("delivered", 30)
    row, _ = play([end], row)
    assert row is not None
    assert lists(row) == (f"acme AC1 ended {end.received_at}",)
    # Told again, or read, it ends no second time.
    row, _ = play([look(found(price=""), end.received_at), end, callback("read", 31)], row)
    assert row is not None
    assert row.looks == 1
    assert [one.price for one in play([look(found())], row)[1]] == [Decimal("0.0075")]


def test_an_answer_that_cannot_be_used_counts_as_no_look() -> None:
    row, _ = play([created(), CostUnread(tenant="acme", message_sid="SM1", at=NOW)])
    assert row is not None
    assert (row.looks, row.again_at) == (0, later(NOW, 60))
    # Of whom nobody knows a row is made of no look.
    assert play([look(found())]) == (None, [])


@pytest.mark.parametrize(
    ("price", "unit", "is_"),
    [
        ("-0.00750", "USD", "0.00750"), ("0", "USD", "0"), ("0.01", "usd", "-0.01"),
        ("", "USD", None), ("NaN", "USD", None), ("-Infinity", "USD", None), ("free", "USD", None),
        ("-1e9", "USD", None), ("-" + "1" * 40, "USD", None), ("-0.01", "", None),
        ("1e999999", "USD", None), ("1e-999999", "USD", None),
    ],
)  # fmt: skip
def test_a_price_is_a_number_with_a_currency_or_none(price: str, unit: str, is_: str | None) -> None:
    read = price_of(found(price, price_unit=unit))
    assert read == (None if is_ is None else Decimal(is_))


def test_sums_are_exact_and_keep_their_currency() -> None:
    _, [one] = play([created(), look(found("-0.1"))])
    many = [replace(one, event_id=str(number), label="news" if number % 2 else None) for number in range(10)]
    euros = [replace(one, event_id="e", currency="EUR", price=Decimal("5"))]
    sums, every = Sums(["label"]), Sums([])
    for cost in (*many, *euros):
        sums.add(cost)
    for cost in many:
        every.add(cost)
    assert [(total.names, total.messages, total.price, total.currency) for total in sums.totals()] == [
        (("",), 1, Decimal("5"), "EUR"),
        (("",), 5, Decimal("0.5"), "USD"),
        (("news",), 5, Decimal("0.5"), "USD"),
    ]
    assert every.totals()[0].price == Decimal(1)


def test_a_second_statement_of_a_message_takes_no_label_away() -> None:
    """After a month its row is forgotten, and a late receipt makes one that knows no command."""
    _, [first] = play([replace(created(), label="news", template="hello"), look(found())])
    _, [second] = play([callback("read", command_id=None), look(found())])
    assert (second.event_id, second.label) == (first.event_id, None)
    sums = Sums(["label", "template"])
    for cost in (first, second):
        sums.add(cost)
    assert [(total.names, total.messages) for total in sums.totals()] == [(("news", "hello"), 1)]
