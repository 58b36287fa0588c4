"""What looks like an opt-out is told, and stays open until somebody decides or the person says yes."""

from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from services.contract.codec import encode
from services.domain.consent.commands import ContactLinked
from services.domain.consent.events import ConsentRecorded, OptOutSuspected, SuppressionChanged
from services.domain.consent.evidence import recall
from services.domain.consent.standing import Standing, suppressed, suspected
from services.domain.messages.consent import Suppressing
from tests.domain.suppression_oracle import CONTACT, OTHER, SENDER, SERVICE, at, history, stated, wrote

FOLD = Suppressing({})
TEXT = "please stop texting me"
BY_SMS, BY_SERVICE = f"sender:{SENDER}", f"service:{SERVICE}"


def play(facts: Any, state: Standing | None = None) -> tuple[Standing | None, list[Any]]:
    return history(FOLD, facts, state)


def dismissed(sid: str = "SM1", second: float = 50, command: str = "c1", **other: Any) -> Any:
    return stated("dismiss", second, command=command, message_sid=sid, **other)


def open_(facts: Any) -> set[str]:
    return set(suspected(play(facts)[0]))


def test_it_is_told_with_the_message_and_without_its_text() -> None:
    state, emitted = play([wrote(TEXT, 1, "SM1", service=SERVICE)])
    [told] = emitted
    assert told == OptOutSuspected(
        event_id=told.event_id,
        tenant="acme",
        contact=CONTACT,
        at=at(1),
        exact=False,
        scopes=[BY_SMS, BY_SERVICE],
        message_sid="SM1",
        mark="SM1",
        evidence="webhook SM1",
    )
    assert b"texting" not in encode(told)
    assert suppressed(state) == {}
    assert {scope: list(marks) for scope, marks in suspected(state).items()} == {BY_SMS: ["SM1"], BY_SERVICE: ["SM1"]}


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        pytest.param([wrote(TEXT)], {BY_SMS}, id="nobody decided"),
        pytest.param([wrote(TEXT), dismissed()], set(), id="dismissed"),
        pytest.param([wrote(TEXT), dismissed(), dismissed(second=60, command="c2")], set(), id="dismissed twice"),
        pytest.param([wrote(TEXT), dismissed("SM2")], {BY_SMS}, id="another message dismissed"),
        pytest.param([wrote(TEXT), wrote(TEXT, 5, "SM2"), dismissed("SM2")], {BY_SMS}, id="one of two dismissed"),
        pytest.param([wrote(TEXT), dismissed(), wrote("STOP please", 90, "SM3")], {BY_SMS}, id="and once more"),
        pytest.param([wrote(TEXT), wrote("START", 61, "SM2")], set(), id="a later yes"),
        pytest.param([wrote(TEXT), wrote("START", 60, "SM2")], {BY_SMS}, id="a yes that may have been before"),
        pytest.param([wrote(TEXT), wrote("START", 61, "SM2", to=OTHER)], {BY_SMS}, id="a yes to another sender"),
        pytest.param([wrote(TEXT), stated("opt_in", 61)], set(), id="an opt-in by command"),
        pytest.param(
            [wrote(TEXT), stated("opt_out", 61), stated("opt_in", 200, command="c2")], set(), id="no, then yes"
        ),
        pytest.param([wrote(TEXT), wrote("hello", 5, "SM2")], {BY_SMS}, id="any other message"),
        pytest.param([wrote(TEXT), stated("opt_out", 61)], set(), id="an opt-out by command"),
        pytest.param([wrote(TEXT, 90), stated("opt_out", 61)], {BY_SMS}, id="an opt-out before it"),
    ],
)
def test_it_is_open_until_somebody_decides_in_any_order(facts: list[Any], left: set[str]) -> None:
    for order in permutations(facts):
        assert open_(order) == left
        state, _ = play(order)
        assert play([*order, *facts], state) == (state, [])


def test_a_decision_about_a_message_of_somebody_else_is_nothing_here() -> None:
    state, emitted = play([dismissed("SM9")])
    assert [one.mark for one in emitted] == ["SM9"]
    assert open_([wrote(TEXT), dismissed("SM9")]) == {BY_SMS}
    assert suppressed(state) == {}


def test_a_dismissal_is_evidence_and_no_yes() -> None:
    state, emitted = play([wrote("STOP", 0, "SM1"), dismissed("SM1", 100, proof="ticket 7")])
    evidence = [one for one in emitted if isinstance(one, ConsentRecorded)][-1]
    assert (evidence.action, evidence.message_sid, evidence.proof) == ("dismiss", "SM1", "ticket 7")
    # A keyword is no suspicion: nobody dismisses it.
    assert suppressed(state).keys() == {BY_SMS}
    assert not any(isinstance(one, SuppressionChanged) for one in emitted[2:])


def test_an_opt_out_by_command_decides_too() -> None:
    state, _ = play([wrote(TEXT), stated("opt_out", 100)])
    assert suppressed(state).keys() == {"tenant"}


def test_it_goes_along_links_with_what_was_decided_of_it() -> None:
    other = "acme|decaf"
    _, emitted = play([wrote(TEXT, linked=other), dismissed()])
    told = [replace(one, contact=CONTACT, linked=other) for one in emitted if isinstance(one, ContactLinked)]
    assert [[mark.action for mark in one.marks] for one in told] == [["suspected"], ["dismiss"]]
    assert open_(told[:1]) == {BY_SMS}
    assert open_(told) == open_(reversed(told)) == set()


def test_the_evidence_alone_gives_the_same_row() -> None:
    facts = [wrote(TEXT, 0, "SM1", service=SERVICE), wrote("STOP please", 5, "SM2"), dismissed("SM2"), dismissed("SM7")]
    state, emitted = play(facts)
    recalled: Standing | None = None
    for one in emitted:
        if isinstance(one, ConsentRecorded | OptOutSuspected):
            recalled = recall(recalled, one)
    assert recalled == state


def test_what_is_kept_of_it_is_bounded() -> None:
    facts = [fact for n in range(100) for fact in (wrote(TEXT, n, f"SM{n}"), dismissed(f"SM{n}", n, f"c{n}"))]
    state, _ = play(facts)
    assert state is not None
    assert max(map(len, (*state.suspects.values(), state.dismissed))) <= 32
    assert suspected(state) == {}
