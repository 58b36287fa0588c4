"""Whatever the order and however often: one state, the right one, and the last word is the final one."""

from collections import defaultdict
from typing import Any

from hypothesis import given

from services.domain.messages.events import DeliveryChanged, OutcomeReached
from services.domain.messages.ladder import Delivery
from tests.domain import delivery_oracle
from tests.domain.histories import CONTACT, KNOWN, STRANGER, Derived, Fact, histories, play, reorderings


def plain(state: Delivery) -> dict[str, Any]:
    """A state in the oracle's words."""
    return {
        "status": state.status,
        "final": state.final,
        "error_code": state.error_code,
        "steps": {status: (step.at, tuple(step.error) if step.error else None) for status, step in state.steps.items()},
        "contact": state.contact,
        "command_id": state.command_id,
        "from": state.from_,
        "to": state.to,
        "segments": state.segments,
    }


def rank(status: str) -> int:
    return KNOWN.index(status) if status in KNOWN else -1


@given(reorderings())
def test_any_order_and_repetition_give_the_same_state(case: tuple[list[Fact], list[Fact]]) -> None:
    facts, again = case
    assert play(again)[0] == play(facts)[0]


@given(reorderings())
def test_the_state_is_the_one_that_the_oracle_tells(case: tuple[list[Fact], list[Fact]]) -> None:
    facts, again = case
    assert plain(play(again)[0]) == delivery_oracle.told(facts)


@given(histories)
def test_a_fold_is_deterministic(facts: list[Fact]) -> None:
    assert play(facts) == play(facts)


@given(reorderings())
def test_replaying_facts_on_what_they_made_emits_nothing(case: tuple[list[Fact], list[Fact]]) -> None:
    facts, again = case
    state, _ = play(facts)
    replayed, emitted = play(again, state)
    assert (replayed, emitted) == (state, [])


@given(histories)
def test_no_two_events_share_an_id(facts: list[Fact]) -> None:
    content: defaultdict[str, list[Derived]] = defaultdict(list)
    for one in play(facts)[1]:
        content[one.event_id].append(one)
    assert all(len(same) == 1 for same in content.values())


@given(histories)
def test_a_status_never_goes_back(facts: list[Fact]) -> None:
    changes = [one for one in play(facts)[1] if isinstance(one, DeliveryChanged)]
    ranks = [rank(one.status) for one in changes]
    assert ranks == sorted(ranks)
    assert [one.previous_status for one in changes] == [None, *(one.status for one in changes[:-1])]


@given(histories)
def test_the_last_words_are_the_final_answer(facts: list[Fact]) -> None:
    answer = delivery_oracle.told(facts)
    emitted = play(facts)[1]
    changed = [one for one in emitted if isinstance(one, DeliveryChanged)][-1]
    assert (changed.status, changed.final, changed.error_code) == (
        answer["status"],
        answer["final"],
        answer["error_code"],
    )
    reached = [one for one in emitted if isinstance(one, OutcomeReached)]
    assert {one.contact for one in reached} <= {CONTACT, STRANGER}
    ends = [(one.status, one.error_code) for one in reached]
    if answer["final"] and answer["contact"]:
        assert ends[-1] == (answer["status"], answer["error_code"])
        assert reached[-1].contact == answer["contact"], "whom the best witness names"
    elif not answer["contact"]:
        assert ends == []
    if answer["contact"]:
        assert delivery_oracle.noes(facts) <= set(ends)
