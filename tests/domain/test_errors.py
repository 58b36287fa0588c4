"""What is known of Twilio's error codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages.errors import CATALOGUE, UNKNOWN, explain

# Those that the documents which the product implements name.
REFERENCED = (
    11200, 11205, 20003, 20429, 21211, 21606, 21610, 21614, 30003, 30005, 30007, 63016, 63018,
)  # fmt: skip


@pytest.mark.parametrize("code", REFERENCED)
def test_every_referenced_code_is_explained(code: int) -> None:
    assert explain(code) is not UNKNOWN


@pytest.mark.parametrize(
    ("code", "category"),
    [
        (20003, "auth"),
        (20429, "rate_limit"),
        (21211, "recipient"),
        (21610, "opted_out"),
        (30003, "unreachable"),
        (30007, "filtered"),
        (63016, "window"),
        (63018, "rate_limit"),
    ],
)
def test_what_others_act_on(code: int, category: str) -> None:
    assert explain(code).category == category


@given(st.integers() | st.none())
def test_explain_is_total(code: int | None) -> None:
    assert code in CATALOGUE or explain(code) is UNKNOWN


def test_only_a_refusal_for_being_too_fast_is_worth_repeating() -> None:
    assert {code for code, info in CATALOGUE.items() if info.retryable} == {20429, 21611}
    assert not UNKNOWN.retryable


def test_each_remedy_is_one_sentence_or_more() -> None:
    assert all(info.remedy.endswith(".") for info in CATALOGUE.values())
    assert list(CATALOGUE) == sorted(CATALOGUE)
