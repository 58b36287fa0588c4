"""The rows about people: consent, suppression, confirmations, windows. Every fault is planted once, at either end."""

from dataclasses import replace

import pytest

from services.demo.log import Entry
from services.demo.reconcile import reconcile
from services.demo.settings import CONFIRM_STOP
from services.demo.twilio import Created, TwilioSide
from tests.demo.ends import (
    CREATED,
    LIVED,
    STOP_SMS,
    WEBHOOKS,
    ends,
    evidence,
    posted,
    records,
    red,
    session,
    side,
    suppression,
    without,
    written,
)

EVIDENCE = "opt-outs and opt-ins are in twilio.consent.v1, once"
ANSWER = "… and twilio.suppression.v1 says what follows from them"
CONFIRMED = "… and we answered each by WhatsApp, once, none by SMS"
WINDOWS = "windows opened, were closing and expired, each told once"
LATE = "no 63016: Twilio enforces windows, and saw none missed"
ON_THE_LOG = {
    "no evidence of an opt-out": (
        without(evidence("s", "opt_out", "keyword", "2")),
        EVIDENCE,
        "acme +22 opt_out by keyword: missing, not 1",
    ),
    "evidence twice": (
        [*records(), evidence("s", "opt_out", "keyword", "another")],
        EVIDENCE,
        "acme +22 opt_out by keyword: 2, not 1",
    ),
    "evidence of what nobody said": (
        [*records(), evidence("s", "opt_in", "keyword", "another")],
        EVIDENCE,
        "acme +22 opt_in by keyword: 1, not expected",
    ),
    "the proof is lost": (
        [*without(evidence("p", "opt_out", "command", "4", "a letter")), evidence("p", "opt_out", "command", "4")],
        EVIDENCE,
        "acme +33 opt_out by command: 1, not expected",
    ),
    "a STOP does not suppress": (
        without(suppression("s", "2", sms="keyword")),
        ANSWER,
        "acme +22: missing, not sender:+14155550100 (keyword)",
    ),
    "it suppresses at another sender": (
        [*without(suppression("s", "2", sms="keyword")), suppression("s", "2", whatsapp="keyword")],
        ANSWER,
        "acme +22: sender:whatsapp:+14155550101 (keyword), not sender:+14155550100 (keyword)",
    ),
    "a START does not release": (
        without(suppression("w", "4")),
        ANSWER,
        "acme +11: sender:whatsapp:+14155550101 (keyword), not nobody",
    ),
    "somebody is released who wrote no START": (
        [*records(), suppression("s", "5")],
        ANSWER,
        "acme +22: nobody, not sender:+14155550100 (keyword)",
    ),
    "somebody unknown is suppressed": (
        [*records(), suppression("x", "5", sms="keyword")],
        ANSWER,
        "x: sender:+14155550100 (keyword), not expected",
    ),
    "a window is not told to close": (
        without(session("w", "closing")),
        WINDOWS,
        "acme +11 at whatsapp:+14155550101: opened, expired, not opened, closing, expired",
    ),
    "a window does not expire": (
        without(session("w", "expired")),
        WINDOWS,
        "opened, closing, not opened, closing, expired",
    ),
    "a window expires twice": (
        [*records(), session("w", "expired", "again")],
        WINDOWS,
        "opened, closing, expired, expired, not opened, closing, expired",
    ),
    "a window opens by SMS": (
        [*records(), session("s", "opened")],
        WINDOWS,
        "acme +22 at whatsapp:+14155550101: opened, not expected",
    ),
}
STRAY = Created("SM5", "confirm-3", LIVED, "+22", CONFIRM_STOP)
AT_TWILIO = {
    "a STOP is not confirmed": (
        side(created=(*CREATED[:2], CREATED[3])),
        CONFIRMED,
        f"whatsapp:+11 {CONFIRM_STOP}: missing, not 1",
    ),
    "a STOP is confirmed twice": (
        side(created=(*CREATED, replace(STRAY, to="whatsapp:+11"))),
        CONFIRMED,
        f"whatsapp:+11 {CONFIRM_STOP}: 2, not 1",
    ),
    "a STOP by SMS is confirmed by us": (
        side(created=(*CREATED, STRAY)),
        CONFIRMED,
        f"+22 {CONFIRM_STOP}: 1, not expected",
    ),
    "somebody else wrote STOP": (
        side(posted=(*WEBHOOKS, written("SM6", "+33", "+14155550100", "stop"))),
        ANSWER,
        "acme +33: tenant (command), not sender:+14155550100 (keyword), tenant (command)",
    ),
    "a free text came too late": (
        side(created=(replace(CREATED[0], error_code=63016), *CREATED[1:])),
        LATE,
        "SM1: 63016, not expected",
    ),
    "windows were not enforced": (
        side(windows_enforced=False),
        LATE,
        "windows at Twilio: off, not enforced",
    ),
}


@pytest.mark.parametrize("fault", ON_THE_LOG)
def test_a_fault_on_the_log_turns_its_row_red(fault: str) -> None:
    entries, what, why = ON_THE_LOG[fault]
    _assert_red(red(reconcile(ends(entries))), what, why)


@pytest.mark.parametrize("fault", AT_TWILIO)
def test_a_fault_at_twilio_turns_its_row_red(fault: str) -> None:
    twilio, what, why = AT_TWILIO[fault]
    _assert_red(red(reconcile(ends(twilio=twilio))), what, why)


def _assert_red(wrong: dict[str, tuple[str, ...]], what: str, why: str) -> None:
    assert what in wrong
    assert any(why in one for one in wrong[what]), wrong[what]


def test_what_was_not_acknowledged_was_not_said() -> None:
    unheard = replace(written("SM6", "+33", "+14155550100", "stop"), acknowledged=False)
    assert red(reconcile(ends(twilio=side(posted=(*WEBHOOKS, unheard))))) == {}


def test_rows_about_people_need_nobody() -> None:
    nothing: list[Entry] = []
    empty = TwilioSide((), (), (), windows_enforced=True, now=ends().twilio.now)
    assert red(reconcile(ends(nothing, commands=(), twilio=empty, answers={}))) == {}


def test_a_status_callback_says_nothing_of_consent() -> None:
    assert red(reconcile(ends(twilio=side(posted=(*WEBHOOKS, posted("SM1", "sent"), STOP_SMS))))) == {}
