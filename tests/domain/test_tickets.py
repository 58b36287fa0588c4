"""Tickets as histories: taken once, tried with longer and longer waits, and given up in the end."""

from typing import Any

from msgspec.structs import replace

from services.domain.clock import seconds_between
from services.domain.due import Due
from services.domain.messages.events import KeywordHeard
from services.domain.messages.tickets import AGAIN_S, Ticket, TicketTried, due, fold, lists

HEARD = KeywordHeard(
    event_id="k1", tenant="acme", received_at="2026-02-21T18:00:00.000Z", contact="acme|c0ffee", account_sid="AC1",
    message_sid="SM1", inbound_event_id="i1", rule="ack", values={"id": "17"}, from_="+14155550123",
    to="+14155550100", ticket="desk",
)  # fmt: skip


def tried(at: str, taken: bool = False) -> TicketTried:
    return TicketTried(key="k1", at=at, taken=taken, answer="HTTP 200" if taken else "HTTP 503")


def play(*events: Any) -> tuple[Ticket | None, list[Any]]:
    state: Ticket | None = None
    told: list[Any] = []
    for one in events:
        state, derived = fold(state, one)
        told += derived
    return state, told


def test_a_ticket_is_due_at_once_and_ends_when_it_is_taken() -> None:
    state, _ = play(HEARD)
    assert state is not None
    assert lists(state) == (f"acme desk {HEARD.received_at}",)
    state, told = play(HEARD, tried("2026-02-21T18:00:01.000Z", taken=True))
    assert state is not None
    assert (state.heard, lists(state)) == (None, ())
    [end] = told
    assert (end.outcome, end.tries, end.keyword_event_id, end.desk) == ("delivered", 1, "k1", "desk")
    # The same webhook again, or a try that was under way twice, says nothing more.
    again, told = fold(state, HEARD)
    assert (again, [*told]) == (state, [])
    again, told = fold(state, tried("2026-02-21T18:00:09.000Z"))
    assert (again, [*told]) == (state, [])


def test_a_desk_that_never_takes_it_is_tried_for_a_day_and_then_it_is_given_up() -> None:
    state, told = play(HEARD)
    at, waits = HEARD.received_at, []
    while state is not None and state.heard is not None:
        state, ended = fold(state, tried(at))
        told += ended
        if state is not None and state.heard is not None:
            waits.append(seconds_between(at, state.again_at))
            at = state.again_at
    assert waits == list(AGAIN_S)
    assert waits == sorted(waits)
    assert sum(waits) > 86_400
    assert [(one.outcome, one.tries, one.answer) for one in told] == [("given_up", len(AGAIN_S) + 1, "HTTP 503")]


def test_what_has_no_desk_is_no_ticket_and_a_row_is_forgotten() -> None:
    assert play(replace(HEARD, ticket=None)) == (None, [])
    state, _ = play(HEARD)
    assert state is not None
    assert seconds_between(HEARD.received_at, due(state)) > 30 * 86_400
    assert fold(state, Due(key="k1", at=due(state))) == (None, ())
    assert play(tried("2026-02-21T18:00:01.000Z")) == (None, [])
