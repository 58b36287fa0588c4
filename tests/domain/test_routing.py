"""Routes: the first that fits; a person keeps their sender; each sender gets its share of people."""

from collections import Counter

import pytest

from services.domain.messages.routing import Asked, Route, choose

ASKED = Asked("+14155550123", "acme|0", "US", "sms", "spring", "marketing")
ONE, TWO = {"+14155550100": 1.0}, {"+14155550101": 1.0}


@pytest.mark.parametrize(
    ("route", "fits"),
    [
        (Route(ONE), True),
        (Route(ONE, countries=frozenset({"US", "CA"})), True),
        (Route(ONE, countries=frozenset({"CA"})), False),
        (Route(ONE, prefixes=("+1416", "+1415")), True),
        (Route(ONE, prefixes=("+1416",)), False),
        (Route(ONE, channels=frozenset({"whatsapp"})), False),
        (Route(ONE, labels=frozenset({"spring"})), True),
        (Route(ONE, labels=frozenset({"autumn"})), False),
        (Route(ONE, purposes=frozenset({"marketing"})), True),
        (
            Route(
                ONE, frozenset({"US"}), ("+1415",), frozenset({"sms"}), frozenset({"spring"}), frozenset({"utility"})
            ),
            False,
        ),
    ],
)
def test_a_route_fits_where_all_fits_that_it_names(route: Route, fits: bool) -> None:
    assert (choose([route], ASKED) is not None) == fits
    assert choose([route, Route(TWO)], ASKED) == ("+14155550100" if fits else "+14155550101")


def test_an_unknown_country_goes_by_no_route_of_a_country() -> None:
    assert choose([Route(ONE, countries=frozenset({"US"}))], ASKED._replace(country=None)) is None


PEOPLE = [ASKED._replace(contact=f"acme|{number}") for number in range(20_000)]


def test_each_sender_gets_its_share_of_people() -> None:
    pool = {"+14155550100": 1.0, "+14155550101": 2.0, "+14155550102": 7.0}
    shares = Counter(choose([Route(pool)], person) for person in PEOPLE)
    for sender, weight in pool.items():
        # Six times the standard deviation of a fair draw.
        assert abs(shares[sender] / len(PEOPLE) - weight / 10) < 0.022


def test_where_a_sender_leaves_only_its_people_move() -> None:
    pool = {f"+1415555010{number}": 1.0 + number for number in range(4)}
    left = {sender: weight for sender, weight in pool.items() if sender != "+14155550102"}
    for person in PEOPLE[:3000]:
        before, after = choose([Route(pool)], person), choose([Route(left)], person)
        assert before in ("+14155550102", after)
    assert choose([Route(dict(reversed(pool.items())))], ASKED) == choose([Route(pool)], ASKED)


def test_a_sender_that_fails_takes_nobody_while_its_pool_has_another() -> None:
    pool = {"+14155550100": 1.0, "+14155550101": 1.0, "+14155550102": 1.0}
    out = {"+14155550100"}
    for person in PEOPLE:
        usual, found = choose([Route(pool)], person), choose([Route(pool)], person, out.__contains__)
        assert found not in out
        # Nobody else's sender changes.
        assert usual in out or found == usual
        assert choose([Route(pool)], person, pool.__contains__) == usual


@pytest.mark.parametrize(
    ("number", "senders"),
    [
        # San Francisco has two of its own; Los Angeles none, and takes those of the country.
        ("+14155550123", {"+14155550100", "+14155550101"}),
        ("+12135550123", {"+14155550100", "+14155550101", "+12125550100"}),
        # Canada is another country under the same calling code; toll-free numbers are of no town.
        ("+14165550123", {"+14165550100"}),
        ("+442071838750", {"+442071838751"}),
        # A British mobile has no area code.
        ("+447400123456", {"+442071838751"}),
        ("+4915112345678", {"+14155550100", "+14155550101", "+12125550100", "+14165550100", "+442071838751", "ACME"}),
        ("US.1349876543", {"+14155550100", "+14155550101", "+12125550100", "+14165550100", "+442071838751", "ACME"}),
    ],
)
def test_the_nearest_numbers_of_a_pool_go_first(number: str, senders: set[str]) -> None:
    pool = dict.fromkeys(("+14155550100", "+14155550101", "+12125550100", "+14165550100", "+442071838751", "ACME"), 1.0)
    people = [ASKED._replace(number=number, contact=f"acme|{one}") for one in range(300)]
    assert {choose([Route(pool, nearest=True)], person) for person in people} == senders


def test_the_nearest_that_is_out_leaves_the_next_ones() -> None:
    pool = {"+14155550100": 1.0, "+12125550100": 1.0, "+442071838751": 1.0}
    route = Route(pool, nearest=True)
    assert choose([route], ASKED, passed_over={"+14155550100"}.__contains__) == "+12125550100"
    assert choose([route], ASKED, passed_over={"+14155550100", "+12125550100"}.__contains__) == "+442071838751"
