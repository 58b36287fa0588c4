"""The outbox, as histories: given what happened to a command, its row and its results."""

from typing import cast

import pytest

from services.domain.messages.commands import CommandResult
from services.domain.messages.events import MessageSent, OutcomeReached
from services.domain.messages.gate import Verdict
from services.domain.messages.outbox import REMEMBER_OTHERS, Entry, Event, Forgotten, Judged
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
    outcome,
    refused,
    steps,
)

LOST = UnknownEnd(reason="no answer in time")
EXPIRED = Judged(contact=CONTACT, command_id=COMMAND, at=at(5), verdict=Verdict("expired", "too late", "be earlier"))
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
        ([accepted(), Judged(contact=CONTACT, command_id=COMMAND, at=at(1), verdict=Verdict("allow"))], "pending",
         ["accepted"]),
    ],
)  # fmt: skip
def test_histories(events: list[Event], state: str, told: list[str]) -> None:
    entry, derived = history(events)
    assert entry is not None
    assert entry.state == state
    assert steps(derived) == told
    assert (entry.command is None) == (state == "settled")
    results = [one for one in derived if isinstance(one, CommandResult)]
    assert sum(one.terminal for one in results) == (state == "settled")


@pytest.mark.parametrize("event", [attempting(1), attempted(1, created()), outcome(), EXPIRED])
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


def test_a_settled_command_is_remembered_for_its_time() -> None:
    settled, _ = history([accepted(), attempting(1), attempted(1, created())])
    assert settled is not None
    assert settled.forget_at == "2026-03-23T18:00:02.000Z"
    early = Forgotten(contact=CONTACT, command_id=COMMAND, at="2026-03-23T18:00:01.999Z")
    due = Forgotten(contact=CONTACT, command_id=COMMAND, at="2026-03-23T18:00:02.000Z")
    assert history([accepted(), early], settled) == (settled, [])
    assert history([due], settled) == (None, [])


@pytest.mark.parametrize(
    "events", [[accepted()], [accepted(), attempting(1)], [accepted(), attempting(1), attempted(1, LOST)]]
)
def test_an_open_command_is_not_forgotten(events: list[Event]) -> None:
    entry, _ = history(events)
    late = Forgotten(contact=CONTACT, command_id=COMMAND, at="9999-01-01T00:00:00.000Z")
    assert history([late], entry) == (entry, [])
