"""The outbox, as histories: given what happened to a command, its row and its results."""

from typing import cast

import msgspec
import pytest

from services.domain.clock import LAST, later
from services.domain.due import Due
from services.domain.messages.commands import CommandResult
from services.domain.messages.events import MessageSent, OutcomeReached
from services.domain.messages.gate import ALLOW, Verdict
from services.domain.messages.outbox import REMEMBER_OTHERS, Entry, Event, due, fold, is_open, lists
from services.domain.messages.outbox import Unknown as UnknownEnd
from tests.sender.histories import (
    COMMAND,
    CONTACT,
    accepted,
    at,
    attempted,
    attempting,
    created,
    history,
    judged,
    outcome,
    receipt,
    refused,
    resolved,
    settled,
    steps,
    woken,
)

LOST = UnknownEnd(reason="no answer in time")
EXPIRED = judged(Verdict("expired", "not_after", "too late", "be earlier"))
BLOCKED = judged(Verdict("blocked", "suppressed", "they said STOP", "do not write"))
AMBIGUOUS: list[Event] = [accepted(), attempting(1), attempted(1, LOST)]
LIMITED = refused(20429, retry_at=at(4))


@pytest.mark.parametrize(
    ("events", "state", "told"),
    [
        ([accepted()], "pending", ["accepted"]),
        ([accepted(), attempting(1)], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), attempted(1, created())], "settled", ["accepted", "attempted", "sent"]),
        ([accepted(), attempting(1), attempted(1, refused())], "settled", ["accepted", "attempted", "failed"]),
        ([accepted(), attempting(1), attempted(1, LOST)], "ambiguous", ["accepted", "attempted", "ambiguous"]),
        (
            [accepted(), attempting(1), attempted(1, LIMITED), attempting(2), attempted(2, created())],
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
            ["accepted", "attempted", "ambiguous", "sent"],
        ),
        # The callback overtook the answer to the call.
        (
            [accepted(), attempting(1), outcome(), attempted(1, created())],
            "settled",
            ["accepted", "attempted", "sent"],
        ),
        # A message exists, whatever was believed of the attempt: a second one must not be made.
        (
            [accepted(), attempting(1), attempted(1, LIMITED), outcome(), attempting(2)],
            "settled",
            ["accepted", "attempted", "retrying", "sent"],
        ),
        # What is late, early, repeated or of another attempt changes nothing.
        ([accepted(), accepted()], "pending", ["accepted"]),
        ([accepted(), attempting(2)], "pending", ["accepted"]),
        ([accepted(), attempted(1, created())], "pending", ["accepted"]),
        ([accepted(), attempting(1), attempting(1), attempting(2)], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), EXPIRED], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), attempted(2, created())], "attempted", ["accepted", "attempted"]),
        (
            [accepted(), attempting(1), attempted(1, LIMITED), attempting(2), attempted(1, refused())],
            "attempted",
            ["accepted", "attempted", "retrying", "attempted"],
        ),
        (
            [accepted(), attempting(1), attempted(1, refused()), outcome(), accepted(), attempting(2)],
            "settled",
            ["accepted", "attempted", "failed"],
        ),
        ([accepted(), judged(ALLOW)], "pending", ["accepted"]),
        # Found out otherwise: whatever was believed, the message exists.
        ([*AMBIGUOUS, settled()], "settled", ["accepted", "attempted", "ambiguous", "sent"]),
        ([*AMBIGUOUS, settled(), settled("SM2"), outcome()], "settled", ["accepted", "attempted", "ambiguous", "sent"]),
        ([*AMBIGUOUS, settled("")], "ambiguous", ["accepted", "attempted", "ambiguous"]),
        ([accepted(), settled(), attempting(1)], "settled", ["accepted", "sent"]),
        ([accepted(), attempting(1), settled(), attempted(1, created())], "settled", ["accepted", "attempted", "sent"]),
        # A person's word ends what is ambiguous, once, and nothing else.
        ([*AMBIGUOUS, resolved()], "settled", ["accepted", "attempted", "ambiguous", "sent"]),
        ([*AMBIGUOUS, resolved(None)], "settled", ["accepted", "attempted", "ambiguous", "failed"]),
        ([*AMBIGUOUS, resolved(None), resolved(), attempting(2)], "settled",
         ["accepted", "attempted", "ambiguous", "failed"]),
        ([*AMBIGUOUS, resolved(), resolved(None), outcome()], "settled",
         ["accepted", "attempted", "ambiguous", "sent"]),
        # It was wrong: no second end is told.
        ([*AMBIGUOUS, resolved(None), outcome()], "settled", ["accepted", "attempted", "ambiguous", "failed"]),
        ([accepted(), resolved()], "pending", ["accepted"]),
        ([accepted(), resolved(None)], "pending", ["accepted"]),
        ([accepted(), attempting(1), resolved()], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), resolved(None)], "attempted", ["accepted", "attempted"]),
        ([accepted(), attempting(1), attempted(1, LIMITED), resolved(None)], "pending",
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
    assert is_open(entry) == (state in ("pending", "attempted"))
    assert [name.split()[0] for name in lists(entry)] == {
        "pending": ["contact", "lane"],
        "attempted": ["contact", "doubt"],
        "ambiguous": ["contact", "doubt"],
        "settled": [],
    }[state]
    assert (entry.ambiguous_at is None) == (state != "ambiguous")
    results = [one for one in derived if isinstance(one, CommandResult)]
    assert sum(one.terminal for one in results) == (state == "settled")


DUE = Due(key=f"{CONTACT} {COMMAND}", at=later(at(3000), 0.001))


@pytest.mark.parametrize(
    "event", [attempting(1), attempted(1, created()), outcome(), EXPIRED, settled(), resolved(), resolved(None), DUE]
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
    assert cast(Entry, entry).message_sid == result.message_sid == message.message_sid == "SM7"
    assert (message.to, message.from_, message.segments, message.command_id) == (
        "+14155550123",
        "+14155550100",
        1,
        COMMAND,
    )


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
    for ending in (settled(), resolved(), resolved(None), outcome()):
        entry, _ = history([ending], ambiguous)
        assert cast(Entry, entry).ambiguous_at is None


@pytest.mark.parametrize(
    ("ending", "how"),
    [
        (outcome("SM7"), "settled by a status callback"),
        (settled("SM7"), "settled by looking at Twilio's list"),
        (resolved("SM7"), "settled by ann: asked them"),
    ],
)
def test_what_was_found_out_is_told_as_a_message_that_was_sent(ending: Event, how: str) -> None:
    entry, told = history([*AMBIGUOUS, ending])
    result, message = told[-2:]
    assert isinstance(result, CommandResult)
    assert isinstance(message, MessageSent)
    assert (result.step, result.terminal, result.reason, result.at) == ("sent", True, how, at(9))
    assert cast(Entry, entry).message_sid == result.message_sid == message.message_sid == "SM7"
    assert (message.contact, message.command_id, message.to) == (CONTACT, COMMAND, "+14155550123")


def test_what_was_not_sent_is_told_as_failed_with_who_found_out_and_what_to_do() -> None:
    entry, told = history([*AMBIGUOUS, resolved(None)])
    [result] = told[3:]
    assert isinstance(result, CommandResult)
    assert (result.step, result.terminal, result.category, result.message_sid) == ("failed", True, "ambiguous", None)
    assert result.reason == "not sent, as found out by ann: asked them"
    assert "new command id" in (result.remedy or "")
    assert cast(Entry, entry).message_sid is None


@pytest.mark.parametrize("ending", [resolved(), resolved(None), settled(), EXPIRED])
def test_after_its_end_a_command_is_never_attempted_again(ending: Event) -> None:
    start = [accepted()] if ending is EXPIRED else AMBIGUOUS
    entry, _ = history([*start, ending])
    for attempt in range(4):
        assert history([attempting(attempt), attempted(attempt, created("SM9"))], entry) == (entry, [])
    assert history([accepted(), *AMBIGUOUS], entry) == (entry, [])


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([accepted(not_after=at(60))], id="at first"),
        pytest.param([accepted(not_after=at(60)), attempting(1), attempted(1, LIMITED)], id="before another attempt"),
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
