"""A suspended account, as histories: messages end with 30002, and their tenant is paused, on every partition."""

from typing import Any

from msgspec.structs import replace

from services.contract.partition import key_on, partition_of
from services.domain.clock import later
from services.domain.due import Due
from services.domain.errors import CATALOGUE
from services.domain.messages.delivery import fold as join
from services.domain.messages.events import MessageSent, OutcomeReached, StatusReceived
from services.domain.messages.suspension import OUT_S, Suspending, Suspension, parts, row_key
from services.domain.outbox import pauses
from services.domain.outbox.pauses import PauseEnded, PausePlaced, of_sender, of_tenant
from tests.sender.histories import at, outcome

PARTITIONS = 4
KEYS = [key_on(number, PARTITIONS) for number in range(PARTITIONS)]
suspending = Suspending(KEYS)


def failed(sid: str, made: float, code: int | None = 30002) -> OutcomeReached:
    return replace(outcome(sid, made + 5), error_code=code, created_at=at(made), status="failed")


def told(*outcomes: OutcomeReached) -> list[PausePlaced]:
    state, said = None, []
    for one in outcomes:
        state, more = suspending(state, one)
        said += more
    return said


def test_each_partition_has_a_key_of_its_own() -> None:
    for partitions in (1, 4, 12, 50):
        keys = [key_on(number, partitions) for number in range(partitions)]
        assert [partition_of(key.encode(), partitions) for key in keys] == list(range(partitions))


def test_a_suspended_account_is_paused_on_each_partition_once_for_all_its_messages() -> None:
    said = told(*(failed(f"SM{number}", number) for number in range(50)))
    assert [one.key for one in said] == KEYS
    assert len({one.event_id for one in said}) == PARTITIONS
    assert {(one.scope, one.cause, one.sent_at) for one in said} == {(of_tenant("acme"), "account", at(0))}
    assert len(told(failed("SM1", 0), failed("SM2", 61))) == 2 * PARTITIONS
    assert told(failed("SM1", 0, 30003), failed("SM2", 1, None)) == []


def test_an_end_that_is_not_folded_would_have_changed_nothing() -> None:
    ends = [failed("SM1", 100, code) for code in (None, 1, *CATALOGUE)]
    left_out = [end for end in ends if not parts(end)]
    assert {end.error_code for end in ends if parts(end)} >= {30002, 30034}
    for state in (None, Suspension(at(0))):
        assert {suspending(state, end) for end in left_out} == {(state, ())}


def test_an_account_that_may_not_send_is_paused_too_and_a_sender_that_may_not_is_no_account() -> None:
    assert next(one.note for one in told(failed("SM1", 0, 30037))).startswith("30037: Twilio switched sending off")
    assert told(failed("SM2", 1, 20003)) == []


def test_a_sender_that_may_not_send_is_out_for_hours_and_no_other_with_it() -> None:
    said = told(*(failed(f"SM{number}", number, 30034) for number in range(50)))
    assert [one.key for one in said] == KEYS
    [scope] = {one.scope for one in said}
    assert scope == of_sender("acme", failed("SM1", 0).sender)
    assert {(one.cause, one.until) for one in said} == {("sender", later(said[0].at, OUT_S))}
    # Of no sender that is known nothing is said.
    assert told(replace(failed("SM1", 0, 30034), sender="")) == []
    assert row_key(failed("SM1", 0, 30034)) == scope
    assert row_key(failed("SM1", 0)) == "acme"


def test_a_sender_comes_back_by_time_or_by_hand_and_what_was_made_before_takes_it_out_no_more() -> None:
    first, late = (told(failed(f"SM{made}", made, 30034))[0] for made in (0, 10))
    scope = first.scope
    out, _ = pauses.fold(None, first)
    assert pauses.resting(out, "acme") == {scope.removeprefix("sender acme ")}
    assert pauses.resting(out, "zeta") == frozenset()
    assert pauses.due(out) == first.until
    assert "until" in out.standing[scope].words
    by_time, _ = pauses.fold(out, Due(key=pauses.ROW, at=first.until or ""))
    by_hand, _ = pauses.fold(
        out, PauseEnded(event_id="r", key=KEYS[0], tenant="acme", scope=scope, at=at(20), by="ann")
    )
    anew = replace(late, event_id="anew", sent_at=later(first.until or "", 1))
    for back in (by_time, by_hand):
        assert (back.standing, pauses.due(back)) == ({}, None)
        assert pauses.fold(back, late)[0].standing == {}
        assert scope in pauses.fold(back, anew)[0].standing


def test_what_was_made_before_it_was_resumed_pauses_nothing_anew() -> None:
    first, again = told(failed("SM1", 0))[0], told(failed("SM2", 90))[0]
    resumed = PauseEnded(event_id="r", key=KEYS[0], tenant="acme", scope=of_tenant("acme"), at=at(100), by="ann")
    state: Any = None
    for said in (first, resumed, again):
        state, _ = pauses.fold(state, said)
    assert state.standing == {}
    state, _ = pauses.fold(state, told(failed("SM3", 101))[0])
    assert of_tenant("acme") in state.standing


def test_the_end_of_a_message_says_when_it_was_made() -> None:
    sent = MessageSent(
        event_id="sent", tenant="acme", sent_at=at(3), contact="acme|c", command_id="x", account_sid="AC1",
        message_sid="SM1", message_status="queued", from_="+1", to="+2",
    )  # fmt: skip
    status = StatusReceived(
        event_id="failed", tenant="acme", received_at=at(9), contact="acme|c", account_sid="AC1", message_sid="SM1",
        message_status="failed", error_code=30002, from_="+1", to="+2", raw={},
    )  # fmt: skip
    row, _ = join(None, sent)
    _, derived = join(row, status)
    [end] = [one for one in derived if isinstance(one, OutcomeReached)]
    assert (end.error_code, end.created_at) == (30002, at(3))
