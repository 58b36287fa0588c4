"""STOP and START within a minute: blocked while in doubt, and by Twilio's dates the later word counts."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.consent.commands import MessageDated
from services.domain.consent.dating import DateFetched, dated, doubts, lists, undated
from services.domain.consent.events import ConsentRecorded
from services.domain.consent.standing import Standing, suppressed
from services.domain.messages.consent import Suppressing
from tests.domain.suppression_oracle import CONTACT, SENDER, SERVICE, TOLL_FREE, at, history, stated, wrote

FOLD = Suppressing({})
STOP, START, AGAIN, BACK = (f"SM{letter * 32}" for letter in "abcd")
BY_SMS = f"sender:{SENDER}"


def play(facts: Any, state: Standing | None = None) -> Standing | None:
    after: Standing | None = history(FOLD, facts, state)[0]
    return after


def fetch(state: Standing | None, sid: str, second: float, learned: float = 200) -> list[MessageDated]:
    """Twilio told the date of a message, and the sender, with this row, tells it on."""
    event = DateFetched(tenant="acme", contact=CONTACT, at=at(learned), message_sid=sid, sent_at=at(second))
    return dated(state, event)


def test_a_start_twenty_seconds_after_a_stop_waits_for_its_date_and_then_counts() -> None:
    state = play([wrote("STOP", 0, STOP), wrote("START", 20, START)])
    assert suppressed(state).keys() == {BY_SMS}
    assert undated(state) == [STOP, START]
    assert [(one.scope, one.stop, one.start) for one in doubts(state)] == [(BY_SMS, STOP, START)]
    assert state is not None
    assert lists(state) == ("undated",)
    state = play(fetch(state, STOP, 0), state)
    assert suppressed(state).keys() == {BY_SMS}
    assert undated(state) == [START]
    state = play(fetch(state, START, 20), state)
    assert suppressed(state) == {}
    assert (undated(state), doubts(state)) == ([], [])
    assert state is not None
    assert lists(state) == ()


def test_a_date_that_is_fetched_again_before_it_is_folded_is_another_fact_and_changes_nothing() -> None:
    state = play([wrote("STOP", 0, STOP), wrote("START", 20, START)])
    once, again = fetch(state, STOP, 0), fetch(state, STOP, 0, learned=204)
    assert once[0].event_id == fetch(state, STOP, 0)[0].event_id
    assert once[0].event_id != again[0].event_id
    after = play(once, state)
    assert history(FOLD, again, after) == (after, [])


def test_what_arrived_in_the_wrong_order_is_put_right() -> None:
    # The START was said first, and its webhook was late.
    state = play([wrote("STOP", 0, STOP), wrote("START", 20, START)])
    state = play([*fetch(state, STOP, 10), *fetch(state, START, 5)], state)
    assert suppressed(state).keys() == {BY_SMS}
    assert undated(state) == []
    # And the other way round.
    state = play([wrote("START", 0, START), wrote("STOP", 20, STOP)])
    assert undated(state) == [STOP, START]
    assert suppressed(play([*fetch(state, STOP, 10), *fetch(state, START, 15)], state)) == {}


def test_dates_of_one_second_settle_nothing_and_the_no_stands() -> None:
    state = play([wrote("STOP", 0, STOP), wrote("START", 0.4, START)])
    state = play([*fetch(state, STOP, 0), *fetch(state, START, 0)], state)
    assert suppressed(state).keys() == {BY_SMS}
    assert undated(state) == []


def test_back_and_forth_three_times_within_a_minute() -> None:
    said = [wrote("STOP", 0, STOP), wrote("START", 10, START), wrote("STOP", 20, AGAIN), wrote("START", 30, BACK)]
    state = play(said)
    assert undated(state) == sorted([STOP, START, AGAIN, BACK])
    dates = [fetch(state, sid, second)[0] for sid, second in ((STOP, 0), (START, 10), (AGAIN, 20), (BACK, 30))]
    for order in permutations(dates):
        assert suppressed(play(order, state)) == {}
    last = play([wrote("STOP", 35, STOP.replace("a", "e"))], play(dates, state))
    assert suppressed(last).keys() == {BY_SMS}
    # It alone has no date yet.
    assert undated(last) == [STOP.replace("a", "e")]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param([wrote("STOP", 0, STOP)], id="a no alone"),
        pytest.param([wrote("STOP", 0, STOP), wrote("START", 61, START)], id="a yes that is later for sure"),
        pytest.param([wrote("START", 0, START), wrote("STOP", 61, STOP)], id="a no that is later for sure"),
        pytest.param([stated("opt_out", 0), wrote("START", 20, START)], id="a no by command"),
        pytest.param([wrote("STOP", 0, STOP), stated("opt_in", 20)], id="a yes by command"),
        pytest.param([wrote("STOP", 0, "SM1"), wrote("START", 20, "SM2")], id="ids that are none of Twilio's"),
        pytest.param([wrote("STOP", 0, STOP), wrote("START", 20, START, to="+14155550199")], id="to another sender"),
        pytest.param(
            [wrote("STOP", 0, STOP, to=TOLL_FREE), wrote("Quiero", 20, START, to=TOLL_FREE)],
            id="a yes that lifts nothing",
        ),
        pytest.param([wrote("STOP", 0, STOP), wrote("hello", 20, START)], id="no yes"),
    ],
)
def test_where_no_date_could_help_none_is_asked_for(facts: list[Any]) -> None:
    assert undated(play(facts)) == []


def test_a_date_is_told_once_and_only_of_what_the_row_knows() -> None:
    state = play([wrote("STOP", 0, STOP, service=SERVICE), wrote("START", 20, START, service=SERVICE)])
    assert fetch(state, AGAIN, 0) == []
    assert fetch(None, STOP, 0) == []
    [told] = fetch(state, STOP, 0)
    assert told == fetch(state, STOP, 0)[0]
    assert {one.scope for one in told.marks} == {BY_SMS, f"service:{SERVICE}"}
    assert fetch(play([told], state), STOP, 3) == []


def test_a_date_leaves_its_evidence() -> None:
    state = play([wrote("STOP", 0, STOP), wrote("START", 20, START)])
    _, emitted = history(FOLD, fetch(state, START, 19), state)
    [evidence] = [one for one in emitted if isinstance(one, ConsentRecorded)]
    assert (evidence.action, evidence.mark, evidence.at, evidence.exact) == ("opt_in", START, at(19), True)
    assert (evidence.source, evidence.evidence, evidence.message_sid) == ("keyword", f"webhook {START}", START)


@given(st.permutations(range(4)), st.lists(st.integers(0, 3), max_size=4), st.sampled_from([0, 5, 20]))
def test_the_copies_agree_whichever_topic_they_read_first(order: list[int], again: list[int], second: float) -> None:
    said = [wrote("STOP", 0, STOP), wrote("START", 20, START)]
    facts = [*said, *fetch(play(said), STOP, 5), *fetch(play(said), START, second)]
    state = play([facts[n] for n in [*order, *again]])
    assert state == play(facts)
    assert suppressed(state).keys() == ({BY_SMS} if second <= 5 else set())
