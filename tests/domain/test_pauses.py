"""Pauses, as histories: what the log said of a scope last counts, however often it is said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.gate.decide import decide
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.outbox.pauses import (
    EVERYTHING,
    Pause,
    PauseEnded,
    PausePlaced,
    Pauses,
    Said,
    fold,
    holding,
    of_label,
    of_sender,
    of_tenant,
    stopping,
)
from services.domain.outbox.verdicts import ALLOW

SENDER = "+14155550100"
SCOPES = [EVERYTHING, of_tenant("acme"), of_tenant("zeta"), of_sender("acme", SENDER), of_label("acme", "spring")]


def placed(number: int, scope: str = EVERYTHING, **more: Any) -> PausePlaced:
    return PausePlaced(event_id=f"p{number}", key="|every-0", tenant="", scope=scope, at=at(number), by="ann", **more)


def ended(number: int, scope: str = EVERYTHING) -> PauseEnded:
    return PauseEnded(event_id=f"e{number}", key="|every-0", tenant="", scope=scope, at=at(number), by="bob")


def at(second: int) -> str:
    return f"2026-02-21T18:00:{second:02}.000Z"


def after(*said: Said) -> Pauses:
    state = None
    for one in said:
        state, told = fold(state, one)
        assert told == ()
    return state or Pauses()


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ([placed(1)], True),
        ([placed(1), ended(2)], False),
        ([placed(1), placed(2), ended(3)], False),
        ([placed(1), ended(2), placed(3)], True),
        # What comes again is nothing new.
        ([placed(1), ended(2), placed(1)], False),
        ([placed(1), ended(2), placed(3), ended(2)], True),
        ([ended(2), placed(1)], True),
        # No clock is asked: whoever says it on a machine that is late means it all the same.
        ([placed(9), ended(2)], False),
        ([placed(1), ended(2, of_tenant("acme"))], True),
        ([placed(1, of_tenant("acme")), ended(2)], False),
    ],
)
def test_what_is_said_last_counts(said: list[Said], stands: bool) -> None:
    assert (EVERYTHING in after(*said).standing) == stands


@given(st.lists(st.tuples(st.sampled_from(SCOPES), st.booleans()), max_size=12), st.randoms())
def test_each_scope_is_its_own_and_repeats_change_nothing(said: list[tuple[str, bool]], chance: Any) -> None:
    facts = [placed(n, scope) if on else ended(n, scope) for n, (scope, on) in enumerate(said)]
    expected = dict(said)
    repeated: list[Said] = []
    for fact in facts:
        repeated.append(fact)
        repeated.append(chance.choice(repeated))
    # The scopes in any order among each other.
    lines = {scope: [one for one in repeated if one.scope == scope] for scope in SCOPES}
    mixed = []
    while any(lines.values()):
        mixed.append(lines[chance.choice([scope for scope, line in lines.items() if line])].pop(0))
    assert {scope for scope in SCOPES if scope in after(*mixed).standing} == {s for s, on in expected.items() if on}


@pytest.mark.parametrize(
    ("scope", "stops", "holds"),
    [
        (EVERYTHING, True, False),
        (of_tenant("acme"), True, False),
        (of_tenant("zeta"), False, False),
        (of_sender("acme", SENDER), True, False),
        (of_sender("acme", SENDER + "1"), False, False),
        (of_sender("zeta", SENDER), False, False),
        (of_label("acme", "spring"), False, True),
        (of_label("acme", "spring-2"), False, False),
        (of_label("zeta", "spring"), False, False),
    ],
)
def test_a_pause_holds_its_scope(scope: str, stops: bool, holds: bool) -> None:
    pauses = after(placed(1, scope))
    assert (stopping(pauses, "acme", SENDER) is not None) == stops
    assert (holding(pauses, "acme", "spring") is not None) == holds
    assert holding(pauses, "acme", None) is None


def test_a_pause_of_the_number_that_it_may_fall_back_to_holds_it() -> None:
    scope = of_sender("acme", SENDER)
    held = holding(after(placed(1, scope)), "acme", None, SENDER)
    assert held is not None
    assert held.scope == scope
    assert holding(after(placed(1, scope)), "acme", "spring", SENDER + "1") is None


def test_a_suspended_account_is_paused_once_and_not_anew_by_what_was_sent_before_it_was_resumed() -> None:
    scope = of_tenant("acme")
    first = placed(5, scope, cause="account", sent_at=at(4))
    assert after(first, placed(6, scope, cause="account", sent_at=at(5))).standing[scope].at == at(5)
    late = placed(30, scope, cause="account", sent_at=at(9))
    assert after(first, ended(20, scope), late).standing == {}
    again = placed(31, scope, cause="account", sent_at=at(21))
    assert after(first, ended(20, scope), late, again).standing[scope].cause == "account"


QUESTION = Question(
    tenant="acme", channel="sms", sender=SENDER, scopes=[], template=False, not_after=at(30), not_before=at(10)
)


def test_the_gate_defers_what_is_early_or_paused_and_expires_it_all_the_same() -> None:
    pause = Pause(scope=of_label("acme", "spring"), at=at(1), by="ann", note="wrong price")
    early = decide(QUESTION, View(now=at(9)))
    assert (early.decision, early.rule, early.until, early.condition) == ("deferred", "not_before", at(10), None)
    assert decide(QUESTION, View(now=at(10))) == ALLOW
    held = decide(QUESTION, View(now=at(11), paused=pause))
    assert (held.decision, held.rule, held.condition) == ("deferred", "pause", "pause label acme spring")
    assert "wrong price" in held.reason
    stopped = decide(QUESTION, View(now=at(11), stopped=pause, paused=pause, tenant_known=False))
    assert (stopped.decision, stopped.until, stopped.condition) == ("deferred", None, None)
    assert decide(QUESTION, View(now=at(31), stopped=pause)).decision == "expired"


def test_no_tenants_records_push_out_what_is_known_of_anothers() -> None:
    scope = of_tenant("acme")
    first = replace(placed(5, scope, cause="account", sent_at=at(4)), tenant="acme")
    resumed = replace(ended(20, scope), tenant="acme")
    others = [
        replace(ended(6), event_id=f"other {number}", tenant="globex", scope=of_label("globex", str(number)))
        for number in range(1500)
    ]
    state = after(first, resumed, *others, first)
    assert state.standing == {}
    assert (list(state.ended), len(state.seen["globex"])) == ([scope], 200)
