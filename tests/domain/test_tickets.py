"""Tickets as histories: taken once, tried with longer and longer waits, and given up in the end."""

from typing import Any

from msgspec.structs import replace

from services.domain.clock import later, seconds_between
from services.domain.due import Due
from services.domain.messages.events import KeywordHeard
from services.domain.messages.tickets import AGAIN_S, Ticket, TicketRetried, TicketTried, due, fold, is_open, lists

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
    while state is not None and is_open(state):
        state, ended = fold(state, tried(at))
        told += ended
        if state is not None and is_open(state):
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


def given_up() -> tuple[Ticket, Any]:
    at, events = HEARD.received_at, []
    for wait in (0.0, *AGAIN_S):
        at = later(at, wait)
        events.append(tried(at))
    state, told = play(HEARD, *events)
    assert state is not None
    [end] = told
    return state, end


def again(ended: Any, at: str = "2026-02-23T09:00:00.000Z") -> TicketRetried:
    return TicketRetried(
        event_id="r1", tenant="acme", contact="acme|c0ffee", at=at, keyword_event_id="k1",
        ended_event_id=ended.event_id, by="ann",
    )  # fmt: skip


def test_what_was_given_up_is_tried_again_by_a_persons_wish_once_for_each_time() -> None:
    state, end = given_up()
    assert (is_open(state), lists(state)) == (False, ())
    # The webhook again, or a try that was under way, opens nothing.
    assert fold(state, HEARD) == (state, ())
    assert fold(state, tried("2026-02-23T08:00:00.000Z", taken=True)) == (state, ())
    opened, told = fold(state, again(end))
    assert opened is not None
    assert ([*told], lists(opened)) == ([], ("acme desk 2026-02-23T09:00:00.000Z",))
    # The same wish by two people, or twice on the log.
    assert fold(opened, again(end)) == (opened, ())
    first, _ = fold(opened, tried("2026-02-23T09:00:01.000Z"))
    assert first is not None
    # Its waits are those of a new ticket, and the wish of before starts them no more.
    assert first.again_at == later("2026-02-23T09:00:01.000Z", AGAIN_S[0])
    assert fold(first, again(end)) == (first, ())
    taken, [done] = fold(first, tried("2026-02-23T09:01:00.000Z", taken=True))
    assert taken is not None
    assert (taken.heard, done.outcome, done.tries) == (None, "delivered", 2)
    assert done.event_id != end.event_id
    # Nothing is delivered that was taken.
    assert fold(taken, again(end)) == (taken, ())
    assert fold(taken, again(done)) == (taken, ())


def test_each_time_that_it_is_given_up_is_a_fact_of_its_own() -> None:
    state: Ticket | None
    state, first = given_up()
    state, _ = fold(state, again(first))
    ends: list[Any] = []
    for number in range(len(AGAIN_S) + 1):
        state, told = fold(state, tried(later("2026-02-24T00:00:00.000Z", number)))
        ends += told
    [second] = ends
    assert second.outcome == "given_up"
    assert second.event_id != first.event_id
    assert fold(state, again(first)) == (state, ())
    assert fold(None, again(first)) == (None, ())
