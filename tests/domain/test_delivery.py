"""The delivery fold as histories: facts in, state and derived events out."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from services.contract import codec
from services.domain.messages.delivery import fold
from services.domain.messages.events import DeliveryChanged, OutcomeReached, StatusReceived
from services.domain.messages.ladder import Delivery, ErrorSeen
from tests.domain.histories import COMMAND, CONTACT, Derived, Fact, at, callback, created, play


def told(emitted: list[Derived]) -> list[tuple[str, str, int | None]]:
    """What was emitted, in short: D or O, status, error."""
    return [(type(one).__name__[0], one.status, one.error_code) for one in emitted]


@pytest.mark.parametrize(
    ("facts", "emitted"),
    [
        pytest.param(
            [created(), callback("sent", 1), callback("delivered", 2)],
            [("D", "queued", None), ("D", "sent", None), ("D", "delivered", None), ("O", "delivered", None)],
            id="as it should be",
        ),
        pytest.param(
            [callback("delivered", 1), callback("sent", 2), callback("queued", 3), created(second=4)],
            [("D", "delivered", None), ("O", "delivered", None)],
            id="the end arrives first",
        ),
        pytest.param(
            [callback("sent", 1), callback("sent", 2), callback("sent", 3)],
            [("D", "sent", None)],
            id="one callback three times",
        ),
        pytest.param(
            [callback("delivered", 1), callback("read", 2)],
            [("D", "delivered", None), ("O", "delivered", None), ("D", "read", None), ("O", "read", None)],
            id="read after delivered ends it again",
        ),
        pytest.param(
            [callback("undelivered", 1, error=30003), callback("delivered", 2)],
            [
                ("D", "undelivered", 30003),
                ("O", "undelivered", 30003),
                ("D", "delivered", None),
                ("O", "delivered", None),
            ],
            id="delivered beats undelivered, and its error is history",
        ),
        pytest.param(
            [callback("delivered", 1), callback("undelivered", 2)],
            [("D", "delivered", None), ("O", "delivered", None)],
            id="undelivered does not beat delivered",
        ),
        pytest.param(
            [callback("failed", 1, error=21610), callback("failed", 2)],
            [("D", "failed", 21610), ("O", "failed", 21610)],
            id="a later callback without a code erases nothing",
        ),
        pytest.param(
            [callback("failed", 1), callback("failed", 2, error=21610)],
            [("D", "failed", None), ("O", "failed", None), ("D", "failed", 21610), ("O", "failed", 21610)],
            id="a code that comes later is told",
        ),
        pytest.param(
            [callback("teleported", 1), callback("queued", 2)],
            [("D", "teleported", None), ("D", "queued", None)],
            id="a status that nobody knows ranks below all known",
        ),
        pytest.param(
            [callback("delivered", 1, contact=None), callback("sent", 2)],
            [("D", "delivered", None), ("O", "delivered", None)],
            id="an outcome comes as soon as it is known whose",
        ),
        pytest.param(
            [callback("sent", 1, contact=None), callback("delivered", 2, contact=None)],
            [("D", "sent", None), ("D", "delivered", None)],
            id="no outcome while it is not known whose",
        ),
    ],
)
def test_a_history_emits(facts: list[Fact], emitted: list[tuple[str, str, int | None]]) -> None:
    assert told(play(facts)[1]) == emitted


def test_the_state_keeps_each_step_with_its_first_arrival() -> None:
    state, _ = play([callback("sent", 5), callback("queued", 7), callback("sent", 3), created(second=9)])
    assert {status: step.at for status, step in state.steps.items()} == {"sent": at(3), "queued": at(7)}
    assert (state.status, state.final, state.segments) == ("sent", False, 1)
    assert (state.contact, state.command_id) == (CONTACT, COMMAND)


def test_a_message_without_callbacks_has_a_state_too() -> None:
    state, _ = play([created("accepted", segments=0)])
    # Twilio counts no segments before a Messaging Service has chosen a sender.
    assert (state.status, state.segments) == ("accepted", None)


def test_a_blank_tells_nothing_whether_it_comes_once_or_twice() -> None:
    blank = created(segments=0, contact="", command_id="")
    once, _ = play([blank])
    assert play([blank, blank])[0] == once
    assert (once.contact, once.command_id) == (None, None)


def test_what_is_emitted_tells_all_that_is_known() -> None:
    _, emitted = play([created(), callback("undelivered", 2, error=30003)])
    changed, reached = emitted[-2:]
    assert isinstance(changed, DeliveryChanged)
    assert isinstance(reached, OutcomeReached)
    assert (changed.previous_status, changed.at, changed.final) == ("queued", at(2), True)
    assert (changed.error_category, changed.segments, changed.command_id) == ("unreachable", 1, COMMAND)
    assert changed.remedy
    assert (reached.contact, reached.sender, reached.at) == (CONTACT, "+14155550100", at(2))


def test_a_first_step_has_none_before_it() -> None:
    [first] = play([callback("queued")])[1]
    assert isinstance(first, DeliveryChanged)
    assert (first.previous_status, first.error_category, first.remedy) == (None, None, None)


def test_a_callback_without_a_message_has_no_place() -> None:
    with pytest.raises(ValueError, match="no MessageSid"):
        fold(None, callback("sent", message_sid=""))


def test_the_state_survives_its_table() -> None:
    state, _ = play([created(), callback("undelivered", 2, error=30003), callback("delivered", 3)])
    assert codec.decode(codec.encode(state), Delivery) == state


ONE_PART_FAILED = [callback("sent", 1), callback("undelivered", 2, error=30008), callback("delivered", 3)]
AGAIN = [replace(fact, event_id=f"{fact.event_id} again", received_at=at(4)) for fact in ONE_PART_FAILED]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_arrived_has_no_error_and_its_step_keeps_it(order: tuple[int, ...]) -> None:
    """A part of a long text failed, another arrived; each callback comes twice, with another RawDlrDoneDate."""
    for facts in ([ONE_PART_FAILED[i] for i in order], [one[i] for i in order for one in (ONE_PART_FAILED, AGAIN)]):
        state, emitted = play(facts)
        changed = [one for one in emitted if isinstance(one, DeliveryChanged)][-1]
        reached = [one for one in emitted if isinstance(one, OutcomeReached)][-1]
        assert (state.status, state.final, state.error_code) == ("delivered", True, None)
        assert (changed.status, changed.error_code, changed.error_category, changed.remedy) == (
            "delivered", None, None, None,
        )  # fmt: skip
        assert (reached.status, reached.error_code) == ("delivered", None)
        assert state.steps["undelivered"].error == ErrorSeen(at(2), 30008)


@pytest.mark.parametrize(
    ("facts", "status", "code"),
    [
        ([callback("failed", 1, error=30008), callback("read", 2)], "read", None),
        ([callback("delivered", 1, error=30018)], "delivered", None),
        ([callback("received", 1, error=30009)], "received", None),
        ([callback("undelivered", 1, error=30008), callback("partially_delivered", 2)], "partially_delivered", 30008),
        ([callback("sent", 1, error=30025)], "sent", 30025),
        ([callback("sent", 1), callback("canceled", 2, error=20001)], "canceled", 20001),
        ([callback("sent", 1), callback("teleported", 2, error=99999)], "sent", 99999),
        ([callback("teleported", 1, error=99999), callback("delivered", 2)], "delivered", None),
    ],
)
def test_an_error_is_the_messages_until_it_arrives(facts: list[Fact], status: str, code: int | None) -> None:
    """A part that arrived is not all; what nobody knows yet, with an error, is seen until something better is known."""
    for order in permutations(facts):
        state, _ = play(list(order))
        assert (state.status, state.error_code) == (status, code)


@pytest.mark.parametrize("code", [21610, 30630, 63014, 63033])
def test_a_no_is_heard_in_a_step_that_was_overruled_too(code: int) -> None:
    facts: list[Fact] = [callback("undelivered", 1, error=code), callback("delivered", 2)]
    for order in permutations(facts):
        ends = [(one.status, one.error_code) for one in play(list(order))[1] if isinstance(one, OutcomeReached)]
        assert ("undelivered", code) in ends
        assert ends[-1] == ("delivered", None)
    anonymous = [replace(fact, contact=None) for fact in facts if isinstance(fact, StatusReceived)]
    assert [
        one.error_code for one in play([*anonymous, callback("sent", 3)])[1] if isinstance(one, OutcomeReached)
    ] == [
        code,
        None,
    ]


def test_a_no_in_a_status_that_nobody_knows_is_heard() -> None:
    [reached] = [one for one in play([callback("shunned", 1, error=63014)])[1] if isinstance(one, OutcomeReached)]
    assert (reached.status, reached.error_code) == ("shunned", 63014)
