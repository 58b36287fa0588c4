"""An execution's fold: any order and repetition of the same facts gives one state, and it is the right one."""

import time
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.contract.studio import EXECUTIONS
from services.domain.studio.events import ExecutionChanged, ExecutionSeen, StepWalked, Walked
from services.domain.studio.executions import Execution, fold

Fact = ExecutionSeen | StepWalked
PATH = ["Trigger", "ask", "judge", "thank", "Ended"]


def moment(second: int) -> str:
    return f"2026-11-29T20:{second // 60:02}:{second % 60:02}.000Z"


def seen(status: Any = "active", at: int = 0, tenant: str = "acme", updated: int = 0) -> ExecutionSeen:
    return ExecutionSeen(
        event_id=f"seen {status}", tenant=tenant, seen_at=moment(at), account_sid="AC1", flow_sid="FW1",
        execution_sid="FN1", flow_version=3, status=status, contact=f"{tenant}|c", to="+14155550123",
        initiated_by="RQ1", started_at=moment(0), updated_at=moment(updated),
    )  # fmt: skip


def walked(number: int, at: int, event: str = "next") -> StepWalked:
    return StepWalked(
        event_id=f"step {number}", tenant="acme", seen_at=moment(at + 30), execution_sid="FN1",
        step_sid=f"FT{9 - number}", event=event, left=PATH[number], entered=PATH[number + 1], walked_at=moment(at),
    )  # fmt: skip


def told(facts: Sequence[Fact]) -> tuple[Execution | None, list[ExecutionChanged]]:
    state, emitted = None, []
    for fact in facts:
        state, found = fold(state, fact)
        emitted += [one for one in found if isinstance(one, ExecutionChanged)]
    return state, emitted


WALK = [seen(), walked(0, 1), walked(1, 40), walked(2, 40), walked(3, 41), seen("ended", 90, updated=41)]


def test_a_walk_is_told_step_by_step() -> None:
    _, emitted = told(WALK)
    assert [(one.status, len(one.steps)) for one in emitted] == [
        ("active", 0), ("active", 1), ("active", 2), ("active", 3), ("active", 4), ("ended", 4),
    ]  # fmt: skip
    last = emitted[-1]
    assert (last.flow_version, last.contact, last.started_at, last.ended_at) == (3, "acme|c", moment(0), moment(41))
    # Two of them in one second, under sids that say nothing of their order.
    assert [one.entered for one in last.steps] == PATH[1:]


def test_steps_alone_tell_nothing_of_whose_they_are() -> None:
    _, emitted = told([walked(0, 1)])
    assert emitted == []
    _, emitted = told([walked(0, 1), seen()])
    assert [len(one.steps) for one in emitted] == [1]


def test_what_was_active_and_heard_late_opens_nothing_again() -> None:
    _, emitted = told([seen("ended", 90), seen()])
    assert [one.status for one in emitted] == ["ended"]


def right(facts: Sequence[Fact]) -> tuple[str | None, dict[str, Walked]]:
    """The oracle: from the set of facts, by nothing of the fold's."""
    statuses = {fact.status for fact in facts if isinstance(fact, ExecutionSeen)}
    steps = {
        fact.step_sid: Walked(
            step_sid=fact.step_sid, event=fact.event, left=fact.left, entered=fact.entered, at=fact.walked_at
        )
        for fact in facts
        if isinstance(fact, StepWalked)
    }
    return ("ended" if "ended" in statuses else "active" if statuses else None), steps


@given(st.data())
@settings(max_examples=200)
def test_any_order_and_repetition_comes_to_the_same(data: st.DataObject) -> None:
    # The same fact may be seen again, at another moment.
    again = [replace(fact, seen_at=moment(200 + at)) for at, fact in enumerate(WALK)]
    some = data.draw(st.lists(st.sampled_from([*WALK, *again]), max_size=6))
    facts = data.draw(st.permutations([*WALK, *some]))
    state, emitted = told(facts)
    assert state == told([*WALK, *some])[0]
    status, steps = right(facts)
    last = emitted[-1]
    assert (last.status, {one.step_sid: one for one in last.steps}) == (status, steps)
    assert [one.entered for one in last.steps] == PATH[1:]
    # Never back, and each change once.
    assert [len(one.steps) for one in emitted] == sorted(len(one.steps) for one in emitted)
    assert [one.status for one in emitted] == sorted(one.status for one in emitted)
    assert len({one.event_id for one in emitted}) == len(emitted)


@given(st.lists(st.sampled_from(WALK), max_size=8))
def test_whatever_part_of_it_is_known_the_last_word_says_just_that(facts: list[Fact]) -> None:
    status, steps = right(facts)
    _, emitted = told(facts)
    if status is None:
        assert emitted == []
    else:
        assert (emitted[-1].status, {one.step_sid: one for one in emitted[-1].steps}) == (status, steps)


def test_more_steps_than_twilio_lets_one_walk_are_not_kept() -> None:
    many = [replace(walked(0, 1), step_sid=f"FT{number:05}", event_id=f"e{number}") for number in range(1010)]
    for order in (many, many[::-1]):
        state, _ = told(order)
        assert state is not None
        assert list(state.steps) == [f"FT{number:05}" for number in range(1000)]


def test_a_thousand_steps_of_one_second_are_put_in_order_at_once() -> None:
    steps = {
        f"FT{place * 7919 % 1000:05}": Walked(
            step_sid=f"FT{place * 7919 % 1000:05}",
            event="next",
            left=f"w{place}",
            entered=f"w{place + 1}",
            at=moment(1),
        )
        for place in range(1000)
    }
    row = Execution(tenant="acme", execution_sid="FN1", heard_at=moment(1), steps=dict(sorted(steps.items())))
    started = time.process_time()
    for _ in range(50):
        ordered = row.ordered
    # Each of them against all others took 40 ms a time; every step of a walk asks for it.
    assert time.process_time() - started < 1
    assert [one.left for one in ordered] == [f"w{place}" for place in range(1000)]


def test_each_change_states_the_whole_so_of_one_flush_the_last_is_enough() -> None:
    assert EXECUTIONS.replaces is not None
    assert {EXECUTIONS.replaces(one) for one in told(WALK)[1]} == {"FN1 acme"}
