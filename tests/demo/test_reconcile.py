"""The reconciliation must turn red for each way in which the two ends can differ: every fault is planted once."""

from dataclasses import replace
from typing import Any

import pytest

from services.contract.messages import DELIVERY, MESSAGES, OUTCOMES, STATUS
from services.demo import oracle
from services.demo.chapters import CHAPTERS
from services.demo.log import Entry
from services.demo.reconcile import reconcile
from services.demo.rows import compare
from services.demo.story import write
from services.demo.twilio import Created
from tests.demo.ends import (
    ANSWERS,
    CREATED,
    LIVED,
    blocked,
    counted,
    ends,
    posted,
    records,
    red,
    result,
    side,
    state,
    without,
)


def test_a_good_run_is_green() -> None:
    rows = reconcile(ends())
    assert red(rows) == {}
    assert {row.what: row.found for row in rows}[STATE] == len(CREATED)


SENT_ONE = result("one", "sent", message_sid="SM1")
REFUSED_AS = result("refused", "failed", code=21211, category="address")
LATE = blocked("late", "suppressed")
SENT_TWO = result("two", "sent", message_sid="SM2", reason="settled by a status callback")
COUNTED = "deliverability counts each message once"
STATE = "messages stand in the table as the oracle says"
FAULTS = {
    "a result is missing": (without(SENT_ONE), "commands with one terminal result", "one: missing, not 1"),
    "a command has two ends": (
        [*records(), result("one", "failed", code=30008)],
        "commands with one terminal result",
        "one: 2, not 1",
    ),
    "the end is another one": (
        [*without(SENT_ONE), result("one", "failed", code=21610)],
        "… and sent, as expected",
        "one: failed 21610, not sent",
    ),
    "Twilio's code is another one": (
        [*without(REFUSED_AS), result("refused", "failed", code=21614)],
        "… and refused by Twilio, as expected",
        "refused: failed 21614, not failed 21211",
    ),
    "a result for nobody's command": (
        [*records(), result("ghost", "sent", message_sid="SM1")],
        "commands with one terminal result",
        "ghost: 1, not expected",
    ),
    "the last step on the log is not the state": (
        [*records(), state(DELIVERY.name, "SM1", "undelivered", 30003), counted("10:02", 1, failed=1)],
        "… and in the last step of twilio.delivery.v1",
        "SM1: undelivered 30003, not delivered",
    ),
    "no outcome is told": (
        without(state(OUTCOMES.name, "SM2")),
        "… and in the last outcome of twilio.outcomes.v1",
        "SM2: missing, not delivered",
    ),
    "a blocked command was sent": (
        [*without(LATE), result("late", "sent", message_sid="SM1")],
        "… and blocked after an opt-out, as expected",
        "late: sent, not blocked suppressed",
    ),
    "a command is blocked for another reason": (
        [*without(LATE), blocked("late", "no_consent")],
        "… and blocked after an opt-out, as expected",
        "late: blocked no_consent, not blocked suppressed",
    ),
    "a window was open": (
        [*without(blocked("outside", "window_closed")), result("outside", "sent", message_sid="SM1")],
        "… and blocked outside of a window, as expected",
        "outside: sent, not blocked window_closed",
    ),
    "a consent is not recorded": (
        [*without(result("paper", "recorded")), result("paper", "rejected")],
        "… and recorded as consent, as expected",
        "paper: rejected, not recorded",
    ),
    "nobody was in doubt": (
        without(result("two", "ambiguous", terminal=False)),
        "… and ambiguous first, until a callback settled it",
        "two: sent settled by a status callback, not ambiguous, sent settled by a status callback",
    ),
    "a doubt was told twice": (
        [*records(), result("two", "ambiguous", terminal=False, event_id="again")],
        "… and ambiguous first, until a callback settled it",
        "two: ambiguous, sent settled by a status callback, ambiguous, not ambiguous, sent",
    ),
    "a doubt was settled otherwise": (
        [*without(SENT_TWO), result("two", "sent", message_sid="SM2", reason="settled by Ada")],
        "… and ambiguous first, until a callback settled it",
        "two: ambiguous, sent settled by Ada, not ambiguous, sent settled by a status callback",
    ),
    "a count is too low": ([*records(), counted("10:00", 1, event_id="x", sent=1)], COUNTED, "delivered: 3, not 4"),
    "a count is too high": ([*records(), counted("10:05", 2, delivered=1)], COUNTED, "acme delivered: 5, not 4"),
    "a status was not reached": ([*records(), counted("10:05", 2, failed=1)], COUNTED, "failed: 1, not expected"),
    "a minute is missing": (without(counted("10:01", 1, delivered=2)), COUNTED, "delivered: 2, not 4"),
    "a dead letter is missing": (
        without(Entry(MESSAGES.dead, b"bad", b"{", 0, {})),
        "dead letters are the malformed, byte for byte",
        "bad: missing",
    ),
    "a dead letter has other bytes": (
        [*without(Entry(MESSAGES.dead, b"bad", b"{", 0, {})), Entry(MESSAGES.dead, b"bad", b"[", 0, {})],
        "dead letters are the malformed, byte for byte",
        "not b'{'",
    ),
    "a good record is dead": (
        [*records(), Entry(STATUS.dead, b"SM1", b"{}", 0, {})],
        "dead letters are the malformed, byte for byte",
        "SM1: b'{}', not expected",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_the_log_turns_its_row_red(fault: str) -> None:
    entries, what, why = FAULTS[fault]
    wrong = red(reconcile(ends(entries)))
    assert what in wrong
    assert why in wrong[what][0]


@pytest.mark.parametrize(
    ("command_id", "what", "why"),
    [
        ("one", "one create at Twilio for each message to send", "one: 2, not 1"),
        ("two", "one create at Twilio for each message to send", "two: 2, not 1"),
        ("refused", "one create at Twilio for each message to send", "refused: 1, not expected"),
        ("late", "none at all for a command that was blocked", "late: 1, not 0"),
        ("outside", "none at all for a command that was blocked", "outside: 1, not 0"),
    ],
)
def test_one_create_too_many_is_red(command_id: str, what: str, why: str) -> None:
    more = side(created=(*CREATED, Created("SM5", command_id, LIVED)))
    assert red(reconcile(ends(twilio=more)))[what] == (why,)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "SM2: missing, not delivered"),
        ({"status": "sent", "error_code": None}, "SM2: sent, not delivered"),
        ({"status": "delivered", "error_code": 30003}, "SM2: delivered 30003, not delivered"),
    ],
)
def test_a_wrong_answer_of_the_table_is_red(answer: dict[str, Any] | None, why: str) -> None:
    others = {sid: good for sid, good in ANSWERS.items() if sid != "SM2"}
    answers = others if answer is None else {**others, "SM2": answer}
    assert red(reconcile(ends(answers=answers))) == {STATE: (why,)}


def test_a_row_names_a_few_of_many_and_counts_the_rest() -> None:
    row = compare("these", {str(number): 1 for number in range(10)}, {"0": 1})
    assert (row.expected, row.found, row.ok) == (10, 1, False)
    assert row.wrong == ("1: missing, not 1", "2: missing, not 1", "3: missing, not 1", "and 6 more")


@pytest.mark.parametrize(
    ("acknowledged", "status", "code"),
    [
        ((), "queued", None),
        (("sent", "queued"), "sent", None),
        (("undelivered", "sent", "sending"), "undelivered", 30003),
        (("undelivered", "delivered", "undelivered"), "delivered", None),
    ],
)
def test_the_oracle_knows_the_last_thing_that_happened_of_those_told(
    acknowledged: tuple[str, ...], status: str, code: int | None
) -> None:
    created = Created("SM1", "one", ("queued", "sending", "sent", "undelivered", "delivered"))
    heard = [posted("SM1", name, code=30003 if name == "undelivered" else None) for name in acknowledged]
    unheard = replace(posted("SM1", "delivered"), acknowledged=False)
    assert oracle.state(created, [*heard, unheard]) == oracle.State(status, code)


def test_the_story_is_the_same_in_every_run_and_shows_every_kind_however_short() -> None:
    story = write(40)
    assert story == write(40)
    assert {command.code for command in story.commands} == {None, 21211}
    assert {command.step for command in story.commands} == {"sent", "failed", "rejected"}
    assert sum(command.malformed for command in story.commands) >= 4
    assert set(story.commands) == set(story.produced)
    assert len(write(1000).produced) > 1000


def test_the_chapters_name_each_command_once_and_expect_every_rule() -> None:
    commands = [command for chapter in CHAPTERS for command in chapter.commands]
    assert len({command.command_id for command in commands}) == len(commands)
    rules = {command.rule for command in commands if command.step == "blocked"}
    assert rules == {"suppressed", "window_closed", "no_consent", "stale_consent", "unreachable"}
    assert any(command.ambiguous for command in commands)
    assert any(reply.again for chapter in CHAPTERS for reply in chapter.replies)
