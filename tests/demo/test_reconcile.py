"""The reconciliation must turn red for each way in which the two ends can differ: every fault is planted once."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.cli.demo import oracle
from services.cli.demo.log import Entry, Log
from services.cli.demo.reconcile import Ends, Row, compare, reconcile
from services.cli.demo.story import Command, write
from services.cli.demo.twilio import Created, Posted, TwilioSide, content
from services.contract.topics import DELIVERY, INBOUND, MESSAGES, OUTCOMES, RESULTS, STATUS

AT = datetime(2026, 1, 1, tzinfo=UTC)
LIVED = ("queued", "sending", "sent", "delivered")
MALFORMED = Command("bad", b"{", "rejected", malformed=True)
REFUSED = Command("refused", b"{}", "failed", 21211)
COMMANDS = (Command("one", b"{}", "sent"), Command("two", b"{}", "sent"), REFUSED, MALFORMED)


def entry(topic: str, key: str, **event: Any) -> Entry:
    return Entry(topic, key.encode(), json.dumps(event).encode(), 0, event)


def result(command_id: str, step: str, **more: Any) -> Entry:
    fields = {"code": None, "message_sid": None, "terminal": True, "event_id": f"{command_id} {step}", **more}
    return entry(RESULTS.name, command_id, command_id=command_id, step=step, **fields)


def posted(sid: str, status: str, kind: str = "status", code: int | None = None) -> Posted:
    return Posted(kind, sid, status, content({"MessageSid": sid, "MessageStatus": status}), code, True, AT)


def told(one: Posted, **more: Any) -> Entry:
    """The log's record of a webhook."""
    topic = {"status": STATUS, "inbound": INBOUND}[one.kind].name
    fields = {"event_id": f"id of {one.content}", "received_at": "t1", "idempotency_token": "x", **more}
    return entry(topic, one.sid, message_sid=one.sid, raw=json.loads(one.content), **fields)


def state(topic: str, sid: str, status: str = "delivered", code: int | None = None, name: str = "") -> Entry:
    return entry(topic, sid, message_sid=sid, status=status, error_code=code, event_id=f"{topic} {sid} {status}{name}")


WEBHOOKS = [posted(sid, status) for sid in ("SM1", "SM2") for status in LIVED] + [posted("SM9", "received", "inbound")]


def records() -> list[Entry]:
    """The log of a good run: two messages delivered, one command refused, one malformed."""
    return [
        result("one", "accepted", terminal=False),
        result("one", "sent", message_sid="SM1"),
        result("two", "sent", message_sid="SM2"),
        result("refused", "failed", code=21211),
        result("bad", "rejected"),
        Entry(MESSAGES.dead, b"bad", b"{", 0, {}),
        *(told(one) for one in WEBHOOKS),
        told(WEBHOOKS[0], received_at="t2"),
        *(state(topic.name, sid) for topic in (DELIVERY, OUTCOMES) for sid in ("SM1", "SM2")),
    ]


def ends(entries: list[Entry] | None = None, **more: Any) -> Ends:
    log = Log()
    for one in records() if entries is None else entries:
        log.add(one)
    created = (Created("SM1", "one", LIVED), Created("SM2", "two", LIVED))
    good = Ends(
        COMMANDS,
        # The first callback was delivered twice.
        TwilioSide(created, (*WEBHOOKS, WEBHOOKS[0])),
        log,
        {sid: {"status": "delivered", "error_code": None} for sid in ("SM1", "SM2")},
    )
    return replace(good, **more)


def red(rows: list[Row]) -> dict[str, tuple[str, ...]]:
    return {row.what: row.wrong for row in rows if not row.ok}


def without(*unwanted: Entry) -> list[Entry]:
    kept = records()
    for one in unwanted:
        kept.remove(one)
    return kept


def test_a_good_run_is_green() -> None:
    rows = reconcile(ends())
    assert red(rows) == {}
    assert {row.what: row.found for row in rows}["callbacks acknowledged are in the log, once by id"] == 8


SENT_ONE = result("one", "sent", message_sid="SM1")
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
        [*without(result("refused", "failed", code=21211)), result("refused", "failed", code=21614)],
        "… and refused by Twilio, as expected",
        "refused: failed 21614, not failed 21211",
    ),
    "a result for nobody's command": (
        [*records(), result("ghost", "sent", message_sid="SM1")],
        "commands with one terminal result",
        "ghost: 1, not expected",
    ),
    "a result names another message": (
        [*without(SENT_ONE), result("one", "sent", message_sid="SM7")],
        "results name the message that Twilio created",
        "one: SM7, not SM1",
    ),
    "a webhook is lost": (
        without(told(WEBHOOKS[5])),
        "callbacks acknowledged are in the log, once by id",
        "SM2/",
    ),
    "a webhook has two ids": (
        [*records(), told(WEBHOOKS[5], event_id="another")],
        "callbacks acknowledged are in the log, once by id",
        ": 2, not 1",
    ),
    "a webhook that nobody posted": (
        [*records(), told(posted("SM5", "sent"))],
        "callbacks acknowledged are in the log, once by id",
        ": 1, not expected",
    ),
    "an inbound message is lost": (
        without(told(WEBHOOKS[8])),
        "inbound acknowledged are in the log, once by id",
        "SM9/",
    ),
    "one id stands for two facts": (
        [*records(), told(WEBHOOKS[5], event_id=f"id of {WEBHOOKS[4].content}")],
        "ids of facts have one content, but for arrival",
        ": 2, not 1",
    ),
    "a derived id has two contents": (
        [*records(), result("one", "sent", message_sid="SM1", code=1)],
        "ids of derived events have one content",
        ": 2, not 1",
    ),
    "the last step on the log is not the state": (
        [*records(), state(DELIVERY.name, "SM1", "undelivered", 30003)],
        "… and in the last step of twilio.delivery.v1",
        "SM1: undelivered 30003, not delivered",
    ),
    "no outcome is told": (
        without(state(OUTCOMES.name, "SM2")),
        "… and in the last outcome of twilio.outcomes.v1",
        "SM2: missing, not delivered",
    ),
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


@pytest.mark.parametrize("more", [[], [told(posted("SM1", "read"))]])
def test_an_unacknowledged_webhook_may_be_on_the_log_or_not(more: list[Entry]) -> None:
    unanswered = replace(posted("SM1", "read"), acknowledged=False)
    side = TwilioSide(ends().twilio.created, (*ends().twilio.posted, unanswered))
    assert red(reconcile(ends([*records(), *more], twilio=side))) == {}


def test_a_double_create_is_red() -> None:
    twice = TwilioSide((*ends().twilio.created, Created("SM3", "one", LIVED)), ends().twilio.posted)
    assert red(reconcile(ends(twilio=twice)))["one create at Twilio for each command to send"] == ("one: 2, not 1",)


def test_a_create_for_a_refused_command_is_red() -> None:
    more = TwilioSide((*ends().twilio.created, Created("SM3", "refused", LIVED)), ends().twilio.posted)
    wrong = red(reconcile(ends(twilio=more)))
    assert wrong["one create at Twilio for each command to send"] == ("refused: 1, not expected",)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"SM1": {"status": "delivered", "error_code": None}}, "SM2: missing, not delivered"),
        (
            {
                "SM1": {"status": "delivered", "error_code": None},
                "SM2": {"status": "sent", "error_code": None},
            },
            "SM2: sent, not delivered",
        ),
        (
            {
                "SM1": {"status": "delivered", "error_code": 30003},
                "SM2": {"status": "delivered", "error_code": None},
            },
            "SM1: delivered 30003, not delivered",
        ),
    ],
)
def test_a_wrong_answer_of_the_table_is_red(answers: dict[str, dict[str, Any]], why: str) -> None:
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
        (("undelivered", "delivered", "undelivered"), "delivered", 30003),
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
    assert {command.code for command in story.commands} >= {None, 21211, 21614, 21610}
    assert {command.step for command in story.commands} == {"sent", "failed", "rejected"}
    assert sum(command.malformed for command in story.commands) >= 4
    assert set(story.commands) == set(story.produced)
    assert len(write(1000).produced) > 1000
