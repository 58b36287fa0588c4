"""The rows about flows: every way in which Twilio's executions and the log can differ is planted once."""

from dataclasses import replace
from typing import Any

import pytest

from services.contract.messages import INBOUND
from services.contract.studio import EXECUTIONS, STARTS
from services.demo.log import Entry, Log
from services.demo.play import unread
from services.demo.reconcile import reconcile
from services.demo.rows import Ends
from services.demo.script import Command
from services.demo.settings import ACME_SMS
from services.demo.twilio import Execution
from tests.demo.ends import COMMANDS, WEBHOOKS, ends, entry, evidence, records, red, result, side, suppression, written

STARTED = "one execution at Twilio for each command to start one"
READ = "… and is in twilio.executions.v1, with each step in its order"
SAID = "what people said in a flow is in twilio.inbound.v1, once"
STOPPED = "… and a STOP there ended what its person was in elsewhere"

ASKED = Execution("FN1", "ended", ("incomingRequest ask", "incomingMessage Ended"))
ELSEWHERE = Execution("FN2", "ended", ("incomingRequest ask",))
STOP = replace(written("SM5", "+22", ACME_SMS, "STOP"), kind="own")
STARTS_BOTH = (
    Command("asked", b"{}", "sent", topic=STARTS.name),
    Command("elsewhere", b"{}", "sent", topic=STARTS.name, stopped=True),
)


def shown(one: Execution, **more: Any) -> Entry:
    steps = [dict(zip(("event", "entered"), step.split(), strict=True)) for step in one.steps]
    fields = {"execution_sid": one.sid, "status": one.status, "steps": steps, "stopped_by": None, **more}
    return entry(EXECUTIONS.name, one.sid, **fields)


def heard(event_id: str = "reply") -> Entry:
    return entry(INBOUND.name, "s", event_id=event_id, message_sid="SM5", body="STOP")


FLOWS = [
    result("asked", "sent", execution_sid="FN1"),
    result("elsewhere", "sent", execution_sid="FN2"),
    shown(replace(ASKED, status="active", steps=ASKED.steps[:1])),
    shown(ASKED),
    shown(ELSEWHERE, stopped_by="reply"),
    heard(),
]


def walked(log: list[Entry], executions: tuple[Execution, ...] = (ASKED, ELSEWHERE)) -> Ends:
    twilio = side(posted=(*WEBHOOKS, STOP), executions=executions)
    # Who said it here had said it to the same sender before: that is one more piece of evidence.
    told = [*records(), evidence("s", "opt_out", "keyword", "flow"), *log]
    return ends(told, commands=(*COMMANDS, *STARTS_BOTH), twilio=twilio)


def test_flows_that_agree_are_green() -> None:
    assert red(reconcile(walked(FLOWS))) == {}


FAULTS = {
    "nothing was started": (FLOWS, (ASKED,), STARTED, "elsewhere: missing, not 1"),
    "nobody's command started one": (
        [*FLOWS, shown(replace(ASKED, sid="FN3"))],
        (ASKED, ELSEWHERE, replace(ASKED, sid="FN3")),
        STARTED,
        "nobody's FN3: 1, not expected",
    ),
    "a command started two": (
        [*FLOWS, result("asked", "sent", event_id="again", execution_sid="FN3")],
        (ASKED, ELSEWHERE, replace(ASKED, sid="FN3")),
        STARTED,
        "asked: 2, not 1",
    ),
    "one was never read": ([*FLOWS[:4], FLOWS[5]], (ASKED, ELSEWHERE), READ, "FN2: missing"),
    "a step was not read": (
        [*FLOWS, shown(replace(ASKED, steps=ASKED.steps[:1]))],
        (ASKED, ELSEWHERE),
        READ,
        "FN1: ended: incomingRequest ask, not ended: incomingRequest ask, incomingMessage Ended",
    ),
    "its steps are in another order": (
        [*FLOWS, shown(replace(ASKED, steps=ASKED.steps[::-1]))],
        (ASKED, ELSEWHERE),
        READ,
        "FN1: ended: incomingMessage Ended, incomingRequest ask",
    ),
    "one goes on that has ended": (
        [*FLOWS, shown(replace(ASKED, status="active"))],
        (ASKED, ELSEWHERE),
        READ,
        "FN1: active",
    ),
    "a reply is not heard": (FLOWS[:5], (ASKED, ELSEWHERE), SAID, "SM5: missing, not 1 STOP"),
    "a reply stands under two ids": ([*FLOWS, heard("another")], (ASKED, ELSEWHERE), SAID, "SM5: 2 STOP, not 1 STOP"),
    "a STOP ended nothing": (
        [*FLOWS, shown(ELSEWHERE)],
        (ASKED, ELSEWHERE),
        STOPPED,
        "elsewhere: missing, not ended",
    ),
    "what was to be ended goes on": (
        FLOWS,
        (ASKED, replace(ELSEWHERE, status="active")),
        STOPPED,
        "elsewhere: active, not ended",
    ),
    "what nobody said no to was ended": (
        [*FLOWS, shown(ASKED, stopped_by="reply")],
        (ASKED, ELSEWHERE),
        STOPPED,
        "asked: ended, not expected",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_turns_its_row_red(fault: str) -> None:
    log, executions, what, why = FAULTS[fault]
    wrong = red(reconcile(walked(log, executions)))
    assert what in wrong
    assert why in wrong[what][0]


def test_a_stop_in_a_flow_is_a_word_as_any_other() -> None:
    quiet = [one for one in WEBHOOKS if one.parameters.get("From") != "+22"]
    log = [one for one in records() if one not in (evidence("s", "opt_out", "keyword", "2"),
                                                   suppression("s", "2", sms="keyword"))]  # fmt: skip
    wrong = red(reconcile(ends(log, twilio=side(posted=(*quiet, STOP)))))
    assert "acme +22 opt_out by keyword: missing, not 1" in wrong["opt-outs and opt-ins are in twilio.consent.v1, once"]


@pytest.mark.parametrize(
    ("log", "count"),
    [
        ([], 2),
        ([shown(ASKED), shown(ELSEWHERE)], 0),
        ([shown(ASKED), shown(replace(ELSEWHERE, status="active"))], 1),
        ([shown(replace(ASKED, steps=ASKED.steps[:1])), shown(ELSEWHERE)], 1),
    ],
)
def test_the_clock_waits_until_flows_are_read(log: list[Entry], count: int) -> None:
    found = Log()
    for one in log:
        found.add(one)
    assert unread(found, (ASKED, ELSEWHERE)) == count
