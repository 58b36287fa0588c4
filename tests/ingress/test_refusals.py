"""What the log says of refused webhooks: what to check, and never more than a line a second of a kind."""

import logging

import pytest

from services.ingress.reasons import REASONS
from services.ingress.refusals import Refusals
from services.ingress.webhook import Call
from services.runtime import sparing

CALL = Call("POST", "/twilio/acme/messages?x=1", {})


def test_each_kind_is_told_with_the_url_that_twilio_would_have_signed(caplog: pytest.LogCaptureFixture) -> None:
    told = Refusals("https://hooks.example.com")
    for kind, reason in REASONS.items():
        told.tell(kind, reason, CALL)
    assert len(caplog.messages) == len(REASONS)
    (signature,) = [line for line in caplog.messages if ", signature: " in line]
    assert signature == (
        f"refused with 403, signature: {REASONS['signature'].text}; tenant acme; as Twilio would have signed it: "
        "POST https://hooks.example.com/twilio/acme/messages?x=1"
    )
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


@pytest.mark.parametrize("kind", ["no_secret", "secret", "malformed", "parameters", "unavailable", "defect"])
def test_what_was_said_in_a_query_is_not_told(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """A flow's widget may tell by GET what a person answered."""
    call = Call("GET", "/twilio/acme/flow?contact=%2B14155550123&answer=my+daughter+is+ill", {})
    Refusals("https://hooks.example.com").tell(kind, REASONS[kind], call)
    (line,) = caplog.messages
    assert line.endswith("; tenant acme; it called: GET https://hooks.example.com/twilio/acme/flow")


def test_a_flood_is_a_line_a_second_with_the_number_of_the_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 100.0
    monkeypatch.setattr(sparing, "monotonic", lambda: moment)
    told = Refusals("https://hooks.example.com")
    for _ in range(1000):
        told.tell("signature", REASONS["signature"], CALL)
    told.tell("path", REASONS["path"], None)
    assert len(caplog.messages) == 2
    moment = 101.5
    told.tell("signature", REASONS["signature"], CALL)
    assert "(and 999 more of this kind" in caplog.messages[-1]


def test_a_stranger_chooses_neither_lines_nor_their_length(caplog: pytest.LogCaptureFixture) -> None:
    Refusals("https://h.example").tell("path", REASONS["path"], Call("POST", f"/\n\x1b[31m{'x' * 9999}", {}))
    (line,) = caplog.messages
    assert len(line) < 600
    assert "\n" not in line
    assert "\x1b" not in line
