"""An account's limit and its breaker, as tables of what happened and what is allowed then."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages.effects import MessageCreated
from services.domain.outbox.facts import Unknown
from services.sender.account import Account
from services.sender.breaker import Breaker
from services.sender.limit import Limit
from services.sender.outcomes import Refusal
from tests.sender.histories import created

LOST = Unknown(reason="no answer")
UNREACHED = Refusal(code=None, reason="no connection", retryable=True, reached=False)
BAD_NUMBER = Refusal(code=21211, reason="no such number")


def too_many(retry_after: float | None = None) -> Refusal:
    return Refusal(code=20429, reason="slow", retryable=True, retry_after=retry_after, too_many=True)


def test_a_limit_halves_once_for_all_that_were_under_way_and_grows_back_by_one_a_round() -> None:
    limit = Limit(40)
    for _ in range(40):
        limit.too_many(begun=1.0, now=2.0)
    assert limit.value == 20
    limit.too_many(begun=2.5, now=3.0)
    assert limit.value == 10
    for _ in range(11):
        limit.answered(full=True)
    assert limit.value == 11
    for _ in range(1000):
        limit.answered(full=False)
    assert limit.value == 11, "calls that did not use the limit say nothing about it"


@given(st.integers(1, 100), st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.floats(0, 100))))
def test_a_limit_stays_between_one_and_its_ceiling(ceiling: int, ends: list[tuple[bool, float, float]]) -> None:
    limit = Limit(ceiling)
    for taken, begun, now in ends:
        limit.answered(full=True) if taken else limit.too_many(begun, now)
        assert 1 <= limit.value <= ceiling
    for _ in range(100 * ceiling):
        limit.answered(full=True)
    assert limit.value == ceiling, "it does not grow back"


def tripped(now: float = 10.0) -> Breaker:
    breaker = Breaker(after=3, pause_s=5, longest_s=12)
    for _ in range(3):
        breaker.failed(now - 1, now)
    return breaker


def test_a_breaker_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(after=3, pause_s=5, longest_s=12)
    for step in (breaker.failed, breaker.failed, breaker.answered, breaker.failed, breaker.failed):
        step(0.0, 1.0)
    assert breaker.state(1.0) == "closed"
    breaker.failed(0.0, 1.0)
    assert breaker.state(1.0) == "open"


@pytest.mark.parametrize(
    ("ends", "at", "state"),
    [
        ([], 14.9, "open"),
        ([], 15.0, "half_open"),
        # What had begun before it opened says nothing about now.
        ([("answered", 9, 11)], 11, "open"),
        ([("failed", 9, 16), ("answered", 9, 16)], 16, "half_open"),
        ([("answered", 15, 16)], 16, "closed"),
        # Each pause is twice as long, to a bound.
        ([("failed", 15, 16)], 25.9, "open"),
        ([("failed", 15, 16)], 26, "half_open"),
        ([("failed", 15, 16), ("failed", 26, 27)], 38.9, "open"),
        ([("failed", 15, 16), ("failed", 26, 27)], 39, "half_open"),
        # After a success it is as new; a straggler of before is no failure of now.
        ([("answered", 15, 16), ("failed", 9, 17), ("failed", 9, 17), ("failed", 9, 17)], 17, "closed"),
        ([("answered", 15, 16), ("failed", 16, 17), ("failed", 16, 17), ("failed", 16, 17)], 21.9, "open"),
        ([("answered", 15, 16), ("failed", 16, 17), ("failed", 16, 17), ("failed", 16, 17)], 22, "half_open"),
    ],
)
def test_after_a_breaker_opened(ends: list[tuple[str, float, float]], at: float, state: str) -> None:
    breaker = tripped()
    for name, begun, now in ends:
        getattr(breaker, name)(begun, now)
    assert breaker.state(at) == state


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 5), st.floats(0.1, 5)), max_size=60))
def test_a_breaker_always_lets_someone_try_again_within_its_longest_pause(
    ends: list[tuple[bool, float, float]],
) -> None:
    breaker, now = Breaker(after=2, pause_s=1, longest_s=8), 0.0
    for failed, ago, passed in ends:
        now += passed
        (breaker.failed if failed else breaker.answered)(now - ago, now)
    assert breaker.state(now + 8) != "open"


@pytest.mark.parametrize(
    ("outcome", "times", "wait_s", "limit"),
    [
        (created(), 9, 0, 8),
        (BAD_NUMBER, 9, 0, 8),
        (LOST, 4, 0, 8),
        (LOST, 5, 5, 8),
        (UNREACHED, 5, 5, 8),
        (too_many(), 9, 0, 4),
        (too_many(retry_after=30.0), 9, 30, 4),
        (Refusal(code=14107, reason="slow", retryable=True, too_many=True), 1, 0, 4),
    ],
)
def test_what_ends_of_calls_mean_for_an_account(
    outcome: MessageCreated | Refusal | Unknown, times: int, wait_s: float, limit: int
) -> None:
    account = Account(8)
    for _ in range(times):
        account.ended(outcome, begun=1.0, now=2.0)
    assert (account.wait_s(2.0), account.limit) == (wait_s, limit)
    assert account.may_begin(2.0, ahead=0) is (wait_s == 0)
    assert account.may_call("row", 2.0) == ("never" if wait_s else "yes")


def test_under_a_half_open_breaker_one_may_try() -> None:
    account = Account(8)
    for _ in range(5):
        account.ended(LOST, 1.0, 2.0)
    assert account.may_begin(7.0, ahead=9)
    account.probe = "a"
    assert not account.may_begin(7.0, ahead=9)
    assert (account.may_call("b", 7.0), account.may_call("a", 7.0)) == ("never", "yes")
    account.ended(created(), 7.0, 8.0)
    assert account.may_begin(8.0, ahead=9)


def test_attempts_are_prepared_ahead_of_what_an_account_may_call() -> None:
    account: Any = Account(4)
    account.begun = 6
    assert account.may_begin(0.0, ahead=3)
    assert not account.may_begin(0.0, ahead=2)
    account.begun = account.calling = 4
    assert account.may_call("row", 0.0) == "later"
