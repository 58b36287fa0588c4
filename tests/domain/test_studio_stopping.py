"""Whose executions a STOP ends: in any order of what is heard, those that had begun when it was said."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.consent.commands import Mark
from services.domain.consent.scopes import TENANT
from services.domain.consent.standing import Standing
from services.domain.studio.events import Begun, ContactExecution, ExecutionStatus
from services.domain.studio.executions import fold as execution_fold
from services.domain.studio.stopping import InFlows, fold, lists, stopped, to_end
from tests.domain.test_studio_executions import seen

WHO = "acme|c"


def at(second: int) -> str:
    return f"2026-11-29T{10 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z"


def begun(
    sid: str = "FN1", started: int = 0, by: Begun = "command", status: ExecutionStatus = "active", heard: int = 0
) -> ContactExecution:
    return ContactExecution(
        event_id=f"{sid} {status} {by}", tenant="acme", contact=WHO, at=at(heard or started), account_sid="AC1",
        flow_sid="FW1", execution_sid=sid, status=status, begun=by, started_at=at(started),
    )  # fmt: skip


def row(*facts: Any) -> InFlows | None:
    state = None
    for fact in facts:
        state, _ = fold(state, fact)
    return state


def standing(no: int | None = None, yes: int | None = None, source: str = "keyword") -> Standing:
    scope = "sender:+14155550100"
    outs = {} if no is None else {scope: {"SM1": Mark(at=at(no), evidence="the stop", source=source)}}
    ins = {} if yes is None else {scope: {"SM2": Mark(at=at(yes), evidence="the start", source=source)}}
    return Standing(tenant="acme", contact=WHO, outs=outs, ins=ins)


def ends(*facts: ContactExecution, **said: Any) -> list[str]:
    return sorted(to_end(row(*facts), standing(**said)))


def test_a_stop_ends_what_had_begun_whoever_began_it() -> None:
    facts = [begun("FN1", 0, "command"), begun("FN2", 1, "person"), begun("FN3", 2, "other")]
    assert ends(*facts, no=5) == ["FN1", "FN2", "FN3"]
    assert to_end(row(*facts), standing(no=5))["FN1"] == "the stop"
    assert ends(*facts) == []


def test_what_the_person_begins_after_their_stop_goes_on() -> None:
    assert ends(begun(started=9, by="person"), no=5) == []
    # The very message that is the STOP has begun it: within one second of Twilio's dates.
    assert ends(begun(started=5, by="person"), no=5) == ["FN1"]


@pytest.mark.parametrize("by", ["command", "other"])
def test_what_was_begun_while_a_stop_was_on_its_way_is_ended(by: Begun) -> None:
    assert ends(begun(started=9, by=by), no=5) == ["FN1"]
    # To another of our senders they may have said no long ago.
    assert ends(begun(started=5 + 601, by=by), no=5) == []


def test_a_command_is_a_persons_own_wherever_it_is_read_too() -> None:
    """Twilio's list may show what a command began before that is folded, and names no message."""
    both = [begun(started=9, by="person"), begun(started=9, by="command")]
    assert ends(*both, no=5) == ends(*reversed(both), no=5) == ["FN1"]


def test_a_start_takes_it_back() -> None:
    assert ends(begun(), no=5, yes=300) == []


def test_a_no_that_is_taken_back_ends_nothing_beside_one_that_stands() -> None:
    """They said STOP to one of our senders long ago, and STOP and START to another today."""
    one, other = "sender:+14155550100", "sender:+14155550101"
    old, stop = (
        Mark(at=at(0), evidence="the old", source="keyword"),
        Mark(at=at(7200), evidence="stop", source="keyword"),
    )
    start = Mark(at=at(7320), evidence="start", source="keyword")
    said = Standing(
        tenant="acme", contact=WHO, outs={one: {"SM0": old}, other: {"SM1": stop}}, ins={other: {"SM2": start}}
    )
    assert to_end(row(begun(started=7380)), said) == {}
    # Of two that stand the later counts.
    assert to_end(row(begun(started=7380)), replace(said, ins={})) == {"FN1": "stop"}
    assert to_end(row(begun(started=600)), said) == {"FN1": "the old"}
    everywhere = replace(said, ins={TENANT: {"SM2": start}})
    assert to_end(row(begun(started=600)), everywhere) == {}


@pytest.mark.parametrize("source", ["twilio_63014", "twilio_63033"])
def test_what_whatsapp_keeps_ends_nothing(source: str) -> None:
    assert ends(begun(), no=5, source=source) == []


def test_what_has_ended_is_left_also_where_it_is_heard_first() -> None:
    facts = [begun(), begun(status="ended", heard=3)]
    assert ends(*facts, no=5) == ends(*reversed(facts), no=5) == []
    over, going_on = row(*facts), row(begun())
    assert over is not None
    assert going_on is not None
    assert (lists(over), lists(going_on)) == ((), ("open",))


def test_that_it_was_ended_is_told_once_and_ends_it() -> None:
    state = row(begun(), begun("FN2"))
    assert state is not None
    done = stopped(state, "FN1", "the stop", False, at(7))
    after, told = fold(state, done)
    assert told == (done,)
    assert sorted(to_end(after, standing(no=5))) == ["FN2"]
    assert fold(after, done) == (after, ())
    again = stopped(state, "FN1", "another", True, at(9))
    assert again.event_id == done.event_id
    # Of what nobody knows nothing is told.
    assert fold(None, done) == (None, ())


def test_rows_are_bounded_and_forget_what_twilio_has_ended_by_itself() -> None:
    state = row(*(begun(f"FN{number:03}", number) for number in range(100)))
    assert state is not None
    assert next(iter(state.executions)) == "FN036"
    later = row(begun(), ContactExecution(**{**_fields(begun("FN2")), "at": "2026-12-31T10:00:00.000Z",
                                             "started_at": "2026-12-31T10:00:00.000Z"}))  # fmt: skip
    assert later is not None
    assert list(later.executions) == ["FN2"]


def test_one_that_goes_on_is_not_forgotten_for_many_that_have_ended() -> None:
    ended = [
        begun(f"FN{number:03}", number, status=status) for number in range(1, 100) for status in ("active", "ended")
    ]
    state = row(begun("FN000"), *ended)
    assert state is not None
    assert (len(state.executions), lists(state)) == (64, ("open",))
    assert list(to_end(state, standing(no=200))) == ["FN000"]


def _fields(one: ContactExecution) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__}


def test_an_execution_tells_its_contacts_partition_that_it_began_and_ended() -> None:
    state, told = None, []
    for fact in (seen(), seen(at=60), seen("ended", 90, updated=41)):
        state, found = execution_fold(state, fact)
        told += [one for one in found if isinstance(one, ContactExecution)]
    assert [(one.status, one.begun, one.contact) for one in told] == [
        ("active", "other", WHO), ("ended", "other", WHO),
    ]  # fmt: skip


facts = st.builds(
    begun,
    st.sampled_from(["FN1", "FN2"]),
    st.integers(0, 1500),
    st.sampled_from(["command", "person", "other"]),
    st.sampled_from(["active", "ended"]),
    st.integers(1501, 3000),
)


@given(st.lists(facts, max_size=6), st.randoms(use_true_random=False), st.integers(0, 2000))
@settings(max_examples=200)
def test_any_order_and_repetition_comes_to_the_same_and_to_the_right(given: list[Any], dice: Any, no: int) -> None:
    shuffled = [*given, *dice.sample(given, len(given) // 2)]
    dice.shuffle(shuffled)
    assert row(*shuffled) == row(*given)

    wanted = []
    for sid in {one.execution_sid for one in given}:
        own = [one for one in given if one.execution_sid == sid]
        started = min(one.started_at for one in own)
        grace = 0 if all(one.begun == "person" for one in own) else 600
        if all(one.status == "active" for one in own) and started <= at(no + grace):
            wanted.append(sid)
    assert ends(*given, no=no) == sorted(wanted)
