"""What is read of flows and executions, when, and what a reading tells; and what people say in flows."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.domain.clock import later, seconds_between
from services.domain.consent.keywords import NO_WORDS, Words
from services.domain.contact import contact_key
from services.domain.due import Due
from services.domain.messages.consent import written
from services.domain.messages.events import InboundReceived
from services.domain.studio import at_twilio
from services.domain.studio.events import ExecutionSeen, FlowWatched, StepWalked
from services.domain.studio.replies import Hearer, asked_at, reply
from services.domain.studio.watching import (
    ExecutionRead,
    FlowRead,
    ReadingFailed,
    Watch,
    asked_from,
    due,
    fold,
    lists,
    may_be_shown_later,
    row_key,
)

WHO, OURS, SECRET = "+14155550123", "+14155552671", b"secret"
T = "2026-11-29T20:00:00.000Z"
HEARER = Hearer("acme", SECRET, NO_WORDS)


def watched(yes: bool = True, at: str = T) -> FlowWatched:
    return FlowWatched(
        event_id=f"watched {yes} {at}", tenant="acme", at=at, account_sid="AC1", flow_sid="FW1", watched=yes, by="ada"
    )


def seen(sid: str = "FN1", status: str = "active") -> ExecutionSeen:
    resource = {
        "sid": sid, "account_sid": "AC1", "flow_sid": "FW1", "flow_version": 1, "status": status,
        "contact_channel_address": WHO, "initiated_by": "RQ1", "date_created": "2026-11-29T20:00:00Z",
        "date_updated": "2026-11-29T20:00:00Z",
    }  # fmt: skip
    found = at_twilio.execution("acme", SECRET, resource, later(T, 30))
    assert found is not None
    return found


def walked(
    sid: str, at: float, left: str = "ask", entered: str = "judge", event: str = "incomingMessage"
) -> StepWalked:
    resource = {
        "sid": sid, "name": event, "transitioned_from": left, "transitioned_to": entered,
        "date_created": later(T, at),
    }  # fmt: skip
    found = at_twilio.step("acme", "FN1", resource, later(T, at + 20))
    assert found is not None
    return found


def said(
    body: str | None, at: float = 50, context: dict[str, Any] | None = None, words: Words = NO_WORDS
) -> InboundReceived:
    """What somebody said at that second, to a question of the first."""
    steps = [walked("FT1", 1, "Trigger", "ask", "incomingRequest"), walked("FT2", at)]
    form = {"From": WHO, "To": OURS, "MessageSid": "SM" + "1" * 32, "AccountSid": "AC1", "NumMedia": "0"}
    told = {"widgets": {"ask": {"inbound": {**form, **({} if body is None else {"Body": body})}}}}
    hearer = HEARER._replace(words=words)
    fact = reply(hearer, seen(), steps[1], asked_at(steps[1], steps, seen()), told if context is None else context)
    assert fact is not None
    return fact


def test_a_watched_flow_tells_each_execution_once_and_is_read_again() -> None:
    state, _ = fold(None, watched())
    assert state is not None
    assert lists(state) == (f"acme AC1 {T}",)
    state, told = fold(state, FlowRead(tenant="acme", flow_sid="FW1", at=T, found=(seen("FN1"), seen("FN2"))))
    assert [one.execution_sid for one in told if isinstance(one, ExecutionSeen)] == ["FN1", "FN2"]
    assert state is not None
    assert (state.since, lists(state)) == (T, (f"acme AC1 {later(T, 30)}",))
    state, told = fold(
        state, FlowRead(tenant="acme", flow_sid="FW1", at=later(T, 30), found=(seen("FN2"), seen("FN3")))
    )
    assert [one.execution_sid for one in told if isinstance(one, ExecutionSeen)] == ["FN3"]


def test_the_latest_word_on_a_flow_counts_in_any_order() -> None:
    on, off = watched(at=T), watched(False, later(T, 60))
    for order in ((on, off), (off, on), (on, off, on), (off, off, on)):
        state = None
        for one in order:
            state, _ = fold(state, one)
        assert state is not None
        assert (state.watched, lists(state)) == (False, ())
        assert fold(state, FlowRead(tenant="acme", flow_sid="FW1", at=T, found=(seen(),))) == (state, ())
        assert due(state) == later(T, 60 + 86_400)


def test_an_execution_is_read_until_it_has_ended_and_tells_nothing_twice() -> None:
    state, _ = fold(None, seen())
    first = walked("FT1", 1, "Trigger", "ask", "incomingRequest")
    state, told = fold(state, ExecutionRead(tenant="acme", execution_sid="FN1", at=T, seen=seen(), steps=(first,)))
    assert told == [first]
    assert state is not None
    assert lists(state) == (f"acme AC1 {later(T, 30)}",)
    answer, second = said("yes"), walked("FT2", 50)
    read = ExecutionRead(
        tenant="acme", execution_sid="FN1", at=later(T, 60), seen=seen(status="ended"), steps=(first, second),
        replies=(answer,),
    )  # fmt: skip
    state, told = fold(state, read)
    assert told == [seen(status="ended"), second, answer]
    assert state is not None
    # Its list may lag behind its end: it is read once more, and what comes then is heard too.
    assert lists(state) == (f"acme AC1 {later(T, 90)}",)
    last = walked("FT3", 55, "judge", "thank")
    read = replace(read, at=later(T, 90), steps=(first, second, last), replies=())
    state, told = fold(state, read)
    assert told == [last]
    assert state is not None
    assert lists(state) == ()
    # The same reading told again, as after a kill, or the same fact from the log.
    assert fold(state, read) == (state, ())
    assert fold(state, seen()) == (state, ())
    assert due(state) == later(T, 31 * 86_400)
    assert fold(state, Due(key=row_key(state), at=T)) == (None, ())


def test_one_that_began_and_ended_between_two_readings_is_read_and_once_more() -> None:
    state, _ = fold(None, seen(status="ended"))
    assert state is not None
    assert lists(state) != ()
    step = walked("FT1", 1)
    read = ExecutionRead(tenant="acme", execution_sid="FN1", at=T, seen=seen(status="ended"), steps=(step,))
    state, told = fold(state, read)
    assert told == [step]
    assert state is not None
    assert lists(state) == (f"acme AC1 {later(T, 30)}",)
    state, told = fold(state, replace(read, at=later(T, 30)))
    assert told == []
    assert state is not None
    assert lists(state) == ()


def test_what_twilio_does_not_know_is_asked_for_three_times() -> None:
    state, _ = fold(None, seen())
    for place in range(3):
        assert state is not None
        assert lists(state) != (), place
        state, _ = fold(state, ExecutionRead(tenant="acme", execution_sid="FN1", at=T, seen=None))
    assert state is not None
    assert lists(state) == ()


def test_two_tenants_of_one_account_have_rows_of_their_own() -> None:
    assert row_key(seen()) == "FN1 acme"
    assert row_key(watched()) == "FW1 acme"
    assert row_key(Watch(tenant="globex", account_sid="", flow_sid="FW1", told_at=T)) == "FW1 globex"


def test_a_stop_in_a_flow_is_a_message_to_us() -> None:
    fact = said("Stop.")
    assert fact.heard is not None
    assert (fact.heard.says, fact.body, fact.from_, fact.to) == ("stop", "Stop.", WHO, OURS)
    assert fact.contact == contact_key("acme", WHO, SECRET)
    assert (fact.message_sid, fact.provenance) == ("SM" + "1" * 32, "backfill")
    # At the latest when the flow went on.
    assert fact.sent_at == later(T, 50)


def test_a_start_counts_from_when_it_can_have_been_said_at_the_earliest() -> None:
    fact = said("START")
    assert fact.heard is not None
    assert (fact.heard.says, fact.sent_at) == ("start", later(T, 1))
    # By another widget whose entering is not known: from when the execution began.
    step = walked("FT9", 70, "other")
    assert asked_at(step, [step], seen()) == T


def test_the_tenants_own_words_are_heard() -> None:
    fact = said("basta", words=Words(stop=frozenset({"basta"})))
    assert fact.heard is not None
    assert fact.heard.says == "stop"


def test_what_is_not_shown_may_have_been_a_stop() -> None:
    for fact in (said(None), said("", context={}), said("", context={"widgets": {"ask": "nothing"}, "trigger": None})):
        assert fact.heard is not None
        assert (fact.heard.says, fact.from_) == ("suspected", WHO)


def test_without_the_form_the_flows_own_address_is_ours() -> None:
    shown: dict[str, Any] = {"widgets": {"ask": {"inbound": {"Body": "stop"}}}}
    fact = said("", context={**shown, "flow": {"channel": {"address": OURS}}})
    assert (fact.to, fact.message_sid, fact.from_) == (OURS, "", WHO)
    service = said("", context={**shown, "flow": {"channel": {"address": "MG" + "d" * 32}}})
    assert (service.to, service.raw["MessagingServiceSid"]) == ("", "MG" + "d" * 32)
    # Its id is of its step then, and another reply's is another.
    assert fact.event_id != said("stop").event_id


def test_what_starts_a_flow_is_a_message_too() -> None:
    step = walked("FT1", 0, "Trigger", "thank")
    form = {"From": WHO, "To": OURS, "Body": "stop", "MessageSid": "SM" + "2" * 32}
    fact = reply(HEARER, seen(), step, asked_at(step, [step], seen()), {"trigger": {"message": form}, "widgets": {}})
    assert fact is not None
    assert fact.heard is not None
    assert (fact.heard.says, fact.message_sid) == ("stop", "SM" + "2" * 32)


@pytest.mark.parametrize(
    "resource",
    [{}, {"sid": "FN1"}, {"sid": "FN1", "status": "paused", "date_created": "2026-11-29T20:00:00Z"},
     {"sid": "FN1", "status": "active", "date_created": "yesterday"}],
)  # fmt: skip
def test_what_is_no_execution_is_none(resource: dict[str, str]) -> None:
    assert at_twilio.execution("acme", SECRET, resource, T) is None


def test_a_stop_of_which_nobody_knows_to_whom_stops_everything_and_a_start_nothing() -> None:
    stop = said("", context={"widgets": {"ask": {"inbound": {"Body": "stop"}}}})
    assert (stop.to, stop.from_) == ("", WHO)
    told = written(stop).told
    assert [(one.action, one.scopes) for one in told] == [("opt_out", ("tenant",))]
    start = said("", context={"widgets": {"ask": {"inbound": {"Body": "start"}}}})
    assert [one.scopes for one in written(start).told] in ([], [()])


def test_what_started_a_flow_is_no_answer_to_its_later_questions() -> None:
    hi = {"From": WHO, "To": OURS, "Body": "Hi", "MessageSid": "SM" + "2" * 32}
    # A widget whose context shows no reply: that was a STOP, for all that anybody knows.
    fact = said("", context={"trigger": {"message": hi}, "widgets": {"ask": {}}})
    assert fact.heard is not None
    assert (fact.heard.says, fact.body, fact.message_sid) == ("suspected", "", "")


def test_a_thread_of_conversations_is_heard_and_who_has_no_address_there_is_nobody() -> None:
    step = walked("FT1", 0, "Trigger", "ask", "incomingConversationMessage")
    told = {"Body": "stop", "Author": WHO, "MessageSid": "IM" + "2" * 32}
    fact = reply(HEARER, seen(), step, T, {"trigger": {"conversation": told}})
    assert fact is not None
    assert fact.heard is not None
    assert (fact.heard.says, fact.from_, fact.message_sid) == ("stop", WHO, "IM" + "2" * 32)
    assert reply(HEARER, seen(), step, T, {"trigger": {"conversation": {**told, "Author": "agent one"}}}) is None


def test_of_a_masked_address_no_contact_is_made() -> None:
    resource = {"sid": "FN1", "status": "active", "date_created": T, "contact_channel_address": "+1415555XXXX"}
    execution = at_twilio.execution("acme", SECRET, resource, T)
    assert execution is not None
    assert (execution.contact, execution.to) == (None, "")
    step = walked("FT2", 50)
    for form in ({"From": "+1415555XXXX", "Body": "stop"}, {"Body": "stop"}, {}):
        assert reply(HEARER, execution, step, T, {"widgets": {"ask": {"inbound": form}}}) is None
    whole = reply(HEARER, execution, step, T, {"widgets": {"ask": {"inbound": {"From": WHO, "Body": "stop"}}}})
    assert whole is not None
    assert whole.contact == contact_key("acme", WHO, SECRET)


def flow_read(at: float, *found: ExecutionSeen, page: int = 0, whole: bool = True) -> FlowRead:
    return FlowRead(tenant="acme", flow_sid="FW1", at=later(T, at), found=found, page=page, whole=whole)


def test_a_busy_flow_remembers_only_what_its_next_list_shows_again() -> None:
    state, _ = fold(None, watched())
    begun = [replace(seen(f"FN{second:05}"), started_at=later(T, second)) for second in range(7200)]
    state, told = fold(state, flow_read(7200, *begun))
    assert len(told) == 7200
    assert state is not None
    again = [one for one in begun if one.started_at >= asked_from(state.since)]
    assert list(state.known) == [one.execution_sid for one in again]
    assert 60 <= len(again) <= 61
    assert fold(state, flow_read(7230, *again))[1] == []


def test_pages_are_folded_one_by_one_and_the_list_is_read_up_to_then_with_the_last() -> None:
    one, two, three = (replace(seen(sid), started_at=later(T, 100)) for sid in ("FN1", "FN2", "FN3"))
    state, _ = fold(None, watched())
    state, told = fold(state, flow_read(120, one, two, whole=False))
    assert told == [one, two]
    assert state is not None
    assert (state.since, lists(state)) == ("", (f"acme AC1 {T}",))
    # Pages move while they are read: what stands on two is told once.
    state, told = fold(state, flow_read(120, two, three, page=1))
    assert told == [three]
    assert state is not None
    assert (state.since, state.known) == (later(T, 120), ("FN1", "FN2", "FN3"))


def test_what_follows_a_page_that_could_not_be_folded_moves_nothing() -> None:
    state, _ = fold(None, watched())
    state, _ = fold(state, flow_read(120, seen("FN1"), whole=False))
    state, _ = fold(state, ReadingFailed(tenant="acme", sid="FW1", at=later(T, 121)))
    assert state is not None
    assert fold(state, flow_read(120, seen("FN3"), page=2)) == (state, ())


def test_a_reading_that_failed_is_done_again_later_each_time() -> None:
    state, _ = fold(None, seen())
    waits, at = [], T
    for _ in range(9):
        state, told = fold(state, ReadingFailed(tenant="acme", sid="FN1", at=at))
        assert told == ()
        assert state is not None
        assert state.again_at is not None
        waits.append(seconds_between(at, state.again_at))
        at = state.again_at
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    state, _ = fold(state, ExecutionRead(tenant="acme", execution_sid="FN1", at=at, seen=seen()))
    assert state is not None
    assert (state.failed, state.again_at) == (0, later(at, 30))


def test_a_step_that_shows_not_yet_what_was_said_is_asked_for_again_and_then_told() -> None:
    state, _ = fold(None, seen())
    for seconds in (0, 10):
        assert state is not None
        assert may_be_shown_later(state)
        read = ExecutionRead(
            tenant="acme", execution_sid="FN1", at=later(T, seconds), seen=seen(status="ended"), unshown=1
        )
        state, _ = fold(state, read)
        assert state is not None
        assert state.again_at == later(T, seconds + 10)
    # The third time it is told, whatever is shown.
    assert not may_be_shown_later(state)
