"""The outbox, as histories: given what happened to a command, its row and its results."""

from typing import cast

import msgspec
import pytest

from services.domain.clock import LAST, later
from services.domain.due import Due
from services.domain.messages.events import MessageSent, OutcomeReached
from services.domain.outbox.claims import MOST_CLAIMS
from services.domain.outbox.entry import REMEMBER_OTHERS, Entry, counts_from, due, is_open
from services.domain.outbox.facts import Refused
from services.domain.outbox.facts import Unknown as UnknownEnd
from services.domain.outbox.lists import lists
from services.domain.outbox.verdicts import ALLOW, Verdict
from services.domain.results import CommandResult
from tests.sender.histories import (
    COMMAND,
    CONTACT,
    Event,
    accepted,
    at,
    attempted,
    attempting,
    canceled,
    checked,
    created,
    fold,
    history,
    judged,
    outcome,
    receipt,
    refused,
    released,
    resolved,
    settled,
    steps,
    woken,
)

LOST = UnknownEnd(reason="no answer in time")
EXPIRED = judged(Verdict("expired", "not_after", "too late", "be earlier"))
BLOCKED = judged(Verdict("blocked", "suppressed", "they said STOP", "do not write"))
HELD = judged(Verdict("deferred", "pause", "x holds it", condition="hold x"))
STOPPED = judged(Verdict("deferred", "pause", "its lane is stopped"))
AT_FAULT = refused(20003, fault="account")
AMBIGUOUS: list[Event] = [accepted(), attempting(1), attempted(1, LOST)]
SENT: list[Event] = [accepted(), attempting(1), attempted(1, created())]
AGAIN_TAKEN = accepted(event_id="another record", sequence=7, accepted_at=at(7))
LIMITED = refused(20429, retry_at=at(4))
AGAIN = Due(key=f"{CONTACT} {COMMAND}", at=at(4))
NOBODY_CALLED = refused(None, retry_at=at(2))


@pytest.mark.parametrize(
    ("events", "state", "told"),
    [
        ([accepted()], "pending", ["accepted"]),
        ([accepted(), attempting(1)], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), attempted(1, created())], "settled", ["accepted", "attempted", "sent"]),
        ([accepted(), attempting(1), attempted(1, refused())], "settled", ["accepted", "attempted", "failed"]),
        ([accepted(), attempting(1), attempted(1, LOST)], "ambiguous", ["accepted", "attempted", "ambiguous"]),
        (
            [accepted(), attempting(1), attempted(1, LIMITED), AGAIN, attempting(2), attempted(2, created())],
            "settled",
            ["accepted", "attempted", "retrying", "attempted", "sent"],
        ),
        ([accepted(), EXPIRED], "settled", ["accepted", "expired"]),
        ([accepted(), BLOCKED], "settled", ["accepted", "blocked"]),
        ([accepted(), BLOCKED, EXPIRED, attempting(1)], "settled", ["accepted", "blocked"]),
        # Ambiguous is not resent: no attempt leaves it, only the proof.
        (
            [accepted(), attempting(1), attempted(1, LOST), attempting(2), attempted(2, created())],
            "ambiguous",
            ["accepted", "attempted", "ambiguous"],
        ),
        (
            [accepted(), attempting(1), attempted(1, LOST), outcome()],
            "settled",
            ["accepted", "attempted", "ambiguous", "sent", "message"],
        ),
        # The callback overtook the answer to the call.
        (
            [accepted(), attempting(1), outcome(), attempted(1, created())],
            "settled",
            ["accepted", "attempted", "sent", "message"],
        ),
        # A message exists, whatever was believed of the attempt: a second one must not be made.
        (
            [accepted(), attempting(1), attempted(1, LIMITED), outcome(), attempting(2)],
            "settled",
            ["accepted", "attempted", "retrying", "sent", "message"],
        ),
        # What is late, early, repeated or of another attempt changes nothing.
        ([accepted(), accepted()], "pending", ["accepted"]),
        ([accepted(), attempting(2)], "pending", ["accepted"]),
        ([accepted(), attempted(1, created())], "pending", ["accepted"]),
        ([accepted(), attempting(1), attempting(1), attempting(2)], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), EXPIRED], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), attempted(2, created())], "attempted", ["accepted", "attempted"]),
        (
            [accepted(), attempting(1), attempted(1, LIMITED), AGAIN, attempting(2), attempted(1, refused())],
            "attempted",
            ["accepted", "attempted", "retrying", "attempted"],
        ),
        (
            [accepted(), attempting(1), attempted(1, refused()), outcome(), accepted(), attempting(2)],
            "settled",
            ["accepted", "attempted", "failed", "message"],
        ),
        ([accepted(), judged(ALLOW)], "pending", ["accepted"]),
        # While it waits for its time, nothing is tried.
        ([accepted(), attempting(1), attempted(1, LIMITED), attempting(2)], "deferred",
         ["accepted", "attempted", "retrying"]),
        # Nobody was called: it may go at once.
        ([accepted(), attempting(1), attempted(1, NOBODY_CALLED), attempting(2)], "attempted",
         ["accepted", "attempted", "retrying", "attempted"]),
        ([accepted(not_before=at(4)), attempting(1)], "deferred", ["accepted", "deferred"]),
        ([accepted(not_before=at(4)), AGAIN, attempting(1)], "attempted", ["accepted", "deferred", "attempted"]),
        ([accepted(not_before=at(4)), outcome()], "settled", ["accepted", "deferred", "sent", "message"]),
        ([accepted(), HELD, attempting(1)], "deferred", ["accepted", "deferred"]),
        ([accepted(), HELD, released("hold x")], "pending", ["accepted", "deferred"]),
        ([accepted(), HELD, released("hold y"), released("")], "deferred", ["accepted", "deferred"]),
        # Told once for each reason.
        ([accepted(), HELD, released("hold x"), HELD], "deferred", ["accepted", "deferred"]),
        ([accepted(), HELD, released("hold x"), STOPPED, STOPPED, HELD], "deferred",
         ["accepted", "deferred", "deferred"]),
        # Its lane is stopped: it keeps its place.
        ([accepted(), STOPPED], "pending", ["accepted", "deferred"]),
        ([accepted(), STOPPED, attempting(1)], "attempted", ["accepted", "deferred", "attempted"]),
        ([accepted(), attempting(1), attempted(1, AT_FAULT), attempting(2), attempted(2, AT_FAULT)], "pending",
         ["accepted", "attempted", "deferred", "attempted", "retrying"]),
        # A cancel ends what waits, whatever for, and nothing else.
        ([accepted(), canceled()], "settled", ["accepted", "canceled"]),
        ([accepted(not_before=at(4)), canceled(), AGAIN, attempting(1)], "settled",
         ["accepted", "deferred", "canceled"]),
        ([accepted(), HELD, canceled(), released("hold x")], "settled", ["accepted", "deferred", "canceled"]),
        ([accepted(), attempting(1), canceled()], "attempted", ["accepted", "attempted", "cancel_too_late"]),
        ([accepted(), attempting(1), canceled(), attempted(1, created())], "settled",
         ["accepted", "attempted", "cancel_too_late", "sent"]),
        ([accepted(), attempting(1), canceled(), attempted(1, LOST)], "ambiguous",
         ["accepted", "attempted", "cancel_too_late", "ambiguous"]),
        ([accepted(), attempting(1), canceled(), attempted(1, LIMITED), AGAIN, attempting(2)], "settled",
         ["accepted", "attempted", "cancel_too_late", "retrying", "canceled"]),
        ([accepted(), attempting(1), canceled(), attempted(1, NOBODY_CALLED)], "settled",
         ["accepted", "attempted", "cancel_too_late", "retrying", "canceled"]),
        ([accepted(), attempting(1), canceled(), attempted(1, AT_FAULT)], "settled",
         ["accepted", "attempted", "cancel_too_late", "retrying", "canceled"]),
        ([*AMBIGUOUS, canceled()], "ambiguous", ["accepted", "attempted", "ambiguous", "cancel_too_late"]),
        ([accepted(), canceled(), canceled(), canceled(6)], "settled", ["accepted", "canceled", "cancel_too_late"]),
        # It came first.
        ([canceled(), accepted()], "settled", ["cancel_remembered", "accepted", "canceled"]),
        ([canceled(), canceled(), canceled(6), accepted(not_before=at(4)), AGAIN, attempting(1), canceled(6)],
         "settled", ["cancel_remembered", "cancel_remembered", "accepted", "canceled"]),
        # Found out otherwise: whatever was believed, the message exists.
        ([*AMBIGUOUS, settled()], "settled", ["accepted", "attempted", "ambiguous", "sent"]),
        ([*AMBIGUOUS, settled(), settled("SM2"), outcome()], "settled",
         ["accepted", "attempted", "ambiguous", "sent", "message"]),
        ([*AMBIGUOUS, settled("")], "ambiguous", ["accepted", "attempted", "ambiguous"]),
        ([accepted(), settled(), attempting(1)], "settled", ["accepted", "sent"]),
        ([accepted(), attempting(1), settled(), attempted(1, created())], "settled", ["accepted", "attempted", "sent"]),
        # A person's word ends what is ambiguous, once, and nothing else.
        ([*AMBIGUOUS, resolved(), checked(), checked()], "settled", ["accepted", "attempted", "ambiguous", "sent"]),
        # A message that is named counts once it was looked up; what is not the command's leaves it in doubt.
        ([*AMBIGUOUS, resolved()], "ambiguous", ["accepted", "attempted", "ambiguous"]),
        ([*AMBIGUOUS, checked()], "ambiguous", ["accepted", "attempted", "ambiguous"]),
        ([*AMBIGUOUS, resolved(), checked(refused="it went to somebody else"), resolved(), checked()], "ambiguous",
         ["accepted", "attempted", "ambiguous", "resolution_refused"]),
        ([*AMBIGUOUS, resolved(), resolved("SM2"), checked(refused="no"), checked("SM2")], "settled",
         ["accepted", "attempted", "ambiguous", "resolution_refused", "sent"]),
        ([*AMBIGUOUS, resolved(), settled("SM2"), checked()], "settled",
         ["accepted", "attempted", "ambiguous", "sent"]),
        ([*AMBIGUOUS, resolved(None)], "settled", ["accepted", "attempted", "ambiguous", "failed"]),
        ([*AMBIGUOUS, resolved(None), resolved(), attempting(2)], "settled",
         ["accepted", "attempted", "ambiguous", "failed"]),
        ([*AMBIGUOUS, resolved(), checked(), resolved(None), outcome()], "settled",
         ["accepted", "attempted", "ambiguous", "sent", "message"]),
        # It was wrong: no second end is told, but what became of the message.
        ([*AMBIGUOUS, resolved(None), outcome()], "settled",
         ["accepted", "attempted", "ambiguous", "failed", "message"]),
        # How its message ended is told by rank, each end once.
        ([*SENT, outcome(status="undelivered", code=30003), outcome(), outcome(status="undelivered", code=30003),
          outcome(), outcome(status="read"), outcome()], "settled",
         ["accepted", "attempted", "sent", "message", "message", "message"]),
        # An end that is none, and one of no message, are no news.
        ([*SENT, outcome(status="sent", code=21610), outcome(sid="", status="failed", code=21610)], "settled",
         ["accepted", "attempted", "sent"]),
        # Produced again: each time it is told how far it has come; the same fact again tells nothing.
        ([accepted(), AGAIN_TAKEN, AGAIN_TAKEN, accepted()], "pending", ["accepted", "repeated"]),
        ([*SENT, AGAIN_TAKEN, accepted(), outcome(), AGAIN_TAKEN], "settled",
         ["accepted", "attempted", "sent", "repeated", "message"]),
        ([*AMBIGUOUS, AGAIN_TAKEN, resolved(), checked()], "settled",
         ["accepted", "attempted", "ambiguous", "repeated", "sent"]),
        ([canceled(), accepted(), AGAIN_TAKEN], "settled", ["cancel_remembered", "accepted", "canceled", "repeated"]),
        ([accepted(), resolved()], "pending", ["accepted"]),
        ([accepted(), resolved(None)], "pending", ["accepted"]),
        ([accepted(), attempting(1), resolved()], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), resolved(None)], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), attempted(1, LIMITED), resolved(None)], "deferred",
         ["accepted", "attempted", "retrying"]),
        ([accepted(), attempting(1), attempted(1, refused()), resolved()], "settled",
         ["accepted", "attempted", "failed"]),
    ],
)  # fmt: skip
def test_histories(events: list[Event], state: str, told: list[str]) -> None:
    entry, derived = history(events)
    assert entry is not None
    assert entry.state == state
    assert steps(derived) == told
    assert (entry.command is None) == (state == "settled")
    assert (entry.forget_at is None) == (state != "settled")
    assert is_open(entry) == (state in ("pending", "deferred", "attempted"))
    assert [name.split()[0] for name in lists(entry)] == {
        "pending": ["order", "lane"],
        "deferred": ["waits"],
        "attempted": ["order", "doubt"],
        "ambiguous": ["order", "doubt"],
        "settled": [],
    }[state]
    assert (entry.ambiguous_at is None) == (state != "ambiguous")
    results = [one for one in derived if isinstance(one, CommandResult)]
    assert sum(one.terminal for one in results) == (state == "settled")


DUE = Due(key=f"{CONTACT} {COMMAND}", at=later(at(3000), 0.001))


@pytest.mark.parametrize(
    "event",
    [attempting(1), attempted(1, created()), outcome(), EXPIRED, settled(), resolved(), resolved(None), checked(), DUE],
)
def test_of_an_unknown_command_nothing_is_told(event: Event) -> None:
    assert history([event]) == (None, [])


def test_an_outcome_without_a_message_proves_nothing() -> None:
    """Such is our own note of a 21610."""
    _, told = history([accepted(), attempting(1), attempted(1, LOST), outcome(sid="")])
    assert steps(told)[-1] == "ambiguous"


def test_a_sent_message_is_told_with_all_that_twilio_said() -> None:
    entry, told = history([accepted(), attempting(1), attempted(1, created("SM7"))])
    result, message = told[-2:]
    assert isinstance(result, CommandResult)
    assert isinstance(message, MessageSent)
    assert cast(Entry, entry).sid == result.message_sid == message.message_sid == "SM7"
    assert (message.to, message.from_, message.segments, message.command_id) == (
        "+14155550123",
        "+14155550100",
        1,
        COMMAND,
    )


@pytest.mark.parametrize(
    ("end", "step"),
    [
        (msgspec.structs.replace(refused(21211), request_id="RQ1"), "failed"),
        (msgspec.structs.replace(LIMITED, request_id="RQ1"), "retrying"),
        (msgspec.structs.replace(AT_FAULT, request_id="RQ1"), "deferred"),
        (UnknownEnd(reason="it answered HTTP 503", request_id="RQ1"), "ambiguous"),
    ],
)
def test_what_twilio_calls_the_call_is_told_where_it_went_wrong(end: Refused | UnknownEnd, step: str) -> None:
    _, told = history([accepted(), attempting(1), attempted(1, end)])
    results = [one for one in told if isinstance(one, CommandResult)]
    assert [(one.step, one.twilio_request_id) for one in results] == [
        ("accepted", None),
        ("attempted", None),
        (step, "RQ1"),
    ]


def test_a_refusal_is_told_with_code_category_and_remedy() -> None:
    _, told = history([accepted(), attempting(1), attempted(1, refused(21211))])
    result = told[-1]
    assert isinstance(result, CommandResult)
    assert (result.code, result.reason, result.attempt) == (21211, "Twilio said so", 1)
    assert result.category
    assert result.remedy


def test_an_opt_out_that_twilio_knows_of_is_told_to_the_contacts_gates() -> None:
    _, told = history([accepted(), attempting(1), attempted(1, refused(21610))])
    assert steps(told)[-1] == "failed"
    note = told[-1]
    assert isinstance(note, OutcomeReached)
    assert (note.error_code, note.contact, note.sender, note.message_sid) == (21610, CONTACT, "+14155550100", "")


def test_a_used_id_with_other_content_is_told_once_for_each_content_and_never_sent() -> None:
    entry, told = history([accepted(), accepted(content="b"), accepted(content="c"), accepted(content="b"), accepted()])
    assert steps(told) == ["accepted", "duplicate", "duplicate"]
    assert cast(Entry, entry).command == accepted()
    assert len({one.event_id for one in told}) == 3


def test_the_memory_of_other_contents_is_bounded() -> None:
    entry, _ = history([accepted(), *(accepted(content=str(number)) for number in range(100))])
    assert len(cast(Entry, entry).others) == REMEMBER_OTHERS


def test_a_verdict_is_told_with_its_rule_its_remedy_and_its_receipt() -> None:
    _, told = history([accepted(), BLOCKED])
    result = told[-1]
    assert isinstance(result, CommandResult)
    assert (result.step, result.category, result.reason, result.remedy, result.receipt) == (
        "blocked",
        "suppressed",
        "they said STOP",
        "do not write",
        receipt(5),
    )


def test_an_attempt_is_told_with_what_allowed_it() -> None:
    allowed = msgspec.structs.replace(attempting(1), receipt=receipt(1))
    _, told = history([accepted(), allowed, attempted(1, created())])
    assert [one.receipt for one in told if isinstance(one, CommandResult)] == [None, receipt(1), None]


def test_since_when_a_command_is_ambiguous_is_known_until_it_is_settled() -> None:
    ambiguous, _ = history(AMBIGUOUS)
    assert cast(Entry, ambiguous).ambiguous_at == at(2)
    for ending in ([settled()], [resolved(), checked()], [resolved(None)], [outcome()]):
        entry, _ = history(ending, ambiguous)
        assert cast(Entry, entry).ambiguous_at is None


@pytest.mark.parametrize(
    ("ending", "how"),
    [
        ([outcome("SM7")], "settled by a status callback"),
        ([settled("SM7")], "settled by looking at Twilio's list"),
        ([resolved("SM7"), checked("SM7")], "settled by ann: asked them"),
    ],
)
def test_what_was_found_out_is_told_as_a_message_that_was_sent(ending: list[Event], how: str) -> None:
    entry, told = history([*AMBIGUOUS, *ending])
    result, message = told[3:5]
    assert isinstance(result, CommandResult)
    assert isinstance(message, MessageSent)
    assert (result.step, result.terminal, result.reason, result.at) == ("sent", True, how, at(9))
    assert cast(Entry, entry).sid == result.message_sid == message.message_sid == "SM7"
    assert (message.contact, message.command_id, message.to) == (CONTACT, COMMAND, "+14155550123")


def test_how_a_message_ended_is_told_with_status_code_and_remedy() -> None:
    entry, told = history([*SENT, outcome(status="undelivered", code=30003)])
    result = told[-1]
    assert isinstance(result, CommandResult)
    assert (result.step, result.terminal, result.message_sid, result.at) == ("message", False, "SM1", at(9))
    assert (result.message_status, result.code, result.category) == ("undelivered", 30003, "unreachable")
    assert result.remedy
    assert cast(Entry, entry).sid == "SM1"
    arrived = history([outcome()], entry)[1][-1]
    assert isinstance(arrived, CommandResult)
    assert (arrived.message_status, arrived.code, arrived.category, arrived.remedy) == ("delivered", None, None, None)


def test_of_a_command_that_only_a_cancel_knows_no_message_is_told() -> None:
    entry, told = history([canceled(), outcome()])
    assert steps(told) == ["cancel_remembered"]
    assert cast(Entry, entry).end is None


def test_what_a_person_said_was_not_sent_has_a_message_all_the_same() -> None:
    entry, told = history([*AMBIGUOUS, resolved(None), outcome("SM7")])
    result = told[-1]
    assert isinstance(result, CommandResult)
    assert (result.step, result.message_sid, result.message_status) == ("message", "SM7", "delivered")
    # What was decided stands.
    assert cast(Entry, entry).sid is None


@pytest.mark.parametrize(
    ("events", "since"),
    [
        ([accepted()], None),
        ([accepted(), attempting(1)], None),
        (SENT, 2),
        (AMBIGUOUS, 2),
        # It went when its end became unknown, whenever that is found out.
        ([*AMBIGUOUS, settled()], 2),
        ([*AMBIGUOUS, outcome()], 2),
        ([*AMBIGUOUS, resolved(), checked()], 2),
        ([*SENT, outcome()], 2),
        ([accepted(), attempting(1), attempted(1, refused())], None),
        ([*AMBIGUOUS, resolved(None)], None),
        # Proven, whatever was told before.
        ([accepted(), attempting(1), attempted(1, refused()), outcome()], 9),
        ([accepted(), attempting(1), attempted(1, refused()), outcome(), outcome(second=11, status="read")], 9),
        ([*AMBIGUOUS, resolved(None, 5), outcome()], 9),
        ([*AMBIGUOUS, resolved(None, 5), settled()], 9),
        ([accepted(), attempting(1), attempted(1, LIMITED), canceled(5), outcome()], 9),
        ([accepted(), attempting(1), attempted(1, LIMITED), outcome()], 9),
    ],
)
def test_a_command_counts_from_when_it_may_have_reached_somebody(events: list[Event], since: float | None) -> None:
    entry = cast(Entry, history(events)[0])
    assert counts_from(entry) == (at(since) if since is not None else None)
    assert entry.purpose == (None if len(events) == 1 else "utility")


def test_a_command_is_for_what_its_latest_attempt_was_judged_to_be_for() -> None:
    began = [accepted(purpose="authentication"), attempting(1, purpose="marketing"), attempted(1, LIMITED), AGAIN]
    again = [attempting(2, 5, purpose="utility"), attempted(2, created(), 6)]
    assert [cast(Entry, history(events)[0]).purpose for events in (began, [*began, *again])] == ["marketing", "utility"]
    # The answer to a STOP counts by no cap.
    answer = [accepted(confirms="stop"), attempting(1, purpose=None), attempted(1, created()), outcome()]
    assert cast(Entry, history(answer)[0]).purpose is None


@pytest.mark.parametrize(
    ("events", "far"),
    [
        ([accepted()], ("accepted", None, None, None)),
        ([accepted(), HELD], ("deferred", None, None, None)),
        ([accepted(), attempting(1), attempted(1, LIMITED)], ("retrying", 20429, None, None)),
        (AMBIGUOUS, ("ambiguous", None, None, None)),
        ([accepted(), attempting(1), attempted(1, refused())], ("failed", 21211, None, None)),
        (SENT, ("sent", None, "SM1", None)),
        ([*SENT, outcome()], ("sent", None, "SM1", "delivered")),
        ([*SENT, outcome(status="failed", code=30008)], ("sent", 30008, "SM1", "failed")),
        ([*AMBIGUOUS, resolved(None), outcome("SM7")], ("failed", None, "SM7", "delivered")),
        # Answers to what came beside are no steps of its own.
        ([*SENT, canceled(), accepted(content="b")], ("sent", None, "SM1", None)),
    ],
)
def test_a_command_that_is_produced_again_is_told_how_far_it_has_come(events: list[Event], far: object) -> None:
    first, second = (accepted(event_id=name, accepted_at=at(8)) for name in ("again", "and again"))
    told = history([*events, first, second])[1][-2:]
    assert len({one.event_id for one in told}) == 2
    for result in told:
        assert isinstance(result, CommandResult)
        assert (result.step, result.terminal, result.at) == ("repeated", False, at(8))
        assert (result.last_step, result.code, result.message_sid, result.message_status) == far


def test_the_memory_of_repeated_commands_is_bounded() -> None:
    entry, told = history([accepted(event_id=str(number)) for number in range(100)])
    assert steps(told) == ["accepted", *["repeated"] * 99]
    assert len(cast(Entry, entry).taken) == REMEMBER_OTHERS


def test_a_message_that_is_not_the_commands_is_told_with_why_and_who_said_it() -> None:
    entry, told = history([*AMBIGUOUS, resolved("SM7"), checked("SM7", refused="it went to somebody else")])
    result = told[-1]
    assert isinstance(result, CommandResult)
    assert (result.step, result.terminal, result.category) == ("resolution_refused", False, "ambiguous")
    assert result.reason == "SM7, said by ann: asked them: it went to somebody else"
    assert cast(Entry, entry).last_step == "ambiguous"


def test_of_many_claims_none_that_waits_is_dropped() -> None:
    entry, told = history([*AMBIGUOUS, *(resolved(f"SM{number}") for number in range(40))])
    assert [one.sid for one in cast(Entry, entry).claims] == [f"SM{number}" for number in range(MOST_CLAIMS)]
    assert steps(told)[3:] == ["resolution_refused"] * (40 - MOST_CLAIMS)
    assert steps(history([checked("SM3")], entry)[1]) == ["sent"]


def test_what_was_not_sent_is_told_as_failed_with_who_found_out_and_what_to_do() -> None:
    entry, told = history([*AMBIGUOUS, resolved(None)])
    [result] = told[3:]
    assert isinstance(result, CommandResult)
    assert (result.step, result.terminal, result.category, result.message_sid) == ("failed", True, "ambiguous", None)
    assert result.reason == "not sent, as found out by ann: asked them"
    assert "new command id" in (result.remedy or "")
    assert cast(Entry, entry).sid is None


@pytest.mark.parametrize("ending", [[resolved(), checked()], [resolved(None)], [settled()], [EXPIRED]])
def test_after_its_end_a_command_is_never_attempted_again(ending: list[Event]) -> None:
    start = [accepted()] if EXPIRED in ending else AMBIGUOUS
    entry, _ = history([*start, *ending])
    for attempt in range(4):
        assert history([attempting(attempt), attempted(attempt, created("SM9"))], entry) == (entry, [])
    assert history([accepted(), *AMBIGUOUS], entry) == (entry, [])


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([accepted(not_after=at(60))], id="at first"),
        pytest.param(
            [accepted(not_after=at(60)), attempting(1), attempted(1, LIMITED), AGAIN], id="before another attempt"
        ),
    ],
)
def test_a_pending_command_expires_right_after_its_time(events: list[Event]) -> None:
    entry = cast(Entry, history(events)[0])
    assert woken(entry, at(60)) is None
    event = woken(entry, at(60.001))
    assert event == Due(key=f"{CONTACT} {COMMAND}", at=at(60.001))
    expired, told = fold(entry, cast(Due, event))
    [result] = told
    assert isinstance(result, CommandResult)
    assert (result.step, result.terminal, result.category, result.at, result.receipt) == (
        "expired",
        True,
        "not_after",
        at(60.001),
        None,
    )
    assert at(60) in (result.reason or "")
    assert cast(Entry, expired).state == "settled"
    # Whoever wakes it later tells the same.
    assert woken(entry, at(3000)) == event


def test_the_timer_and_the_gate_tell_one_end_of_what_is_too_late() -> None:
    entry = history([accepted()])[0]
    by_gate = history([EXPIRED], entry)[1]
    by_timer = history([cast(Due, woken(cast(Entry, entry), LAST))], entry)[1]
    assert [one.event_id for one in by_gate] == [one.event_id for one in by_timer]


@pytest.mark.parametrize("events", [[accepted(), attempting(1)], AMBIGUOUS])
def test_what_may_have_been_sent_neither_expires_nor_is_forgotten(events: list[Event]) -> None:
    entry = cast(Entry, history(events)[0])
    assert due(entry) is None
    assert fold(entry, Due(key=f"{CONTACT} {COMMAND}", at=LAST)) == (entry, [])


@pytest.mark.parametrize(
    ("events", "forget_at"),
    [
        ([accepted(), attempting(1), attempted(1, created())], "2026-03-23T18:00:02.000Z"),
        ([accepted(), attempting(1), attempted(1, refused())], "2026-03-23T18:00:02.000Z"),
        ([accepted(), BLOCKED], "2026-03-23T18:00:05.000Z"),
        ([*AMBIGUOUS, settled()], "2026-03-23T18:00:09.000Z"),
        ([*AMBIGUOUS, resolved(None)], "2026-03-23T18:00:09.000Z"),
        ([accepted(), DUE], "2026-03-23T18:50:00.001Z"),
    ],
)
def test_a_settled_command_is_remembered_for_its_time(events: list[Event], forget_at: str) -> None:
    entry, _ = history(events)
    assert entry is not None
    assert due(entry) == entry.forget_at == forget_at
    assert history([accepted()], entry) == (entry, [])
    assert woken(entry, later(forget_at, -0.001)) is None
    assert history([cast(Due, woken(entry, forget_at))], entry) == (None, [])
