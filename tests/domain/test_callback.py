"""The query of our callback URLs: what we signed is read, what anybody changed is not."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages.callback import callback_query, read_callback

SECRET = b"contact secret"


def pairs(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


@given(st.text(), st.text())
def test_what_was_signed_is_read_back(command_id: str, contact: str) -> None:
    assert read_callback([SECRET], pairs(callback_query(SECRET, command_id, contact))) == (command_id, contact)


@pytest.mark.parametrize(
    "changed",
    [{"c": "order-2"}, {"k": "acme|beef"}, {"s": ""}, {"s": "0" * 32}, {"s": "\udcff"}, {"c": "", "k": "", "s": ""}],
)
def test_a_changed_query_is_not_ours(changed: dict[str, str]) -> None:
    assert read_callback([SECRET], pairs(callback_query(SECRET, "order-1", "acme|c0ffee")) | changed) is None


@pytest.mark.parametrize("missing", ["c", "k", "s"])
def test_a_query_without_one_of_its_parts_is_not_ours(missing: str) -> None:
    query = pairs(callback_query(SECRET, "order-1", "acme|c0ffee"))
    assert read_callback([SECRET], {name: value for name, value in query.items() if name != missing}) is None


def test_another_tenants_secret_signs_otherwise() -> None:
    assert read_callback([b"other"], pairs(callback_query(SECRET, "order-1", "acme|c0ffee"))) is None


def test_text_does_not_move_between_command_and_contact() -> None:
    query = pairs(callback_query(SECRET, "ab", "c"))
    assert read_callback([SECRET], query | {"c": "a", "k": "bc"}) is None
    assert read_callback([SECRET], query | {"c": "c", "k": "ab"}) is None
