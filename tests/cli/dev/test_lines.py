"""The live log of `switchboard dev`: what a record says to a person, whatever is in it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.dev.lines import TOPICS, line
from services.domain.messages.commands import CancelMessage, ResolveAmbiguous

SID = "SM" + "a" * 32


@pytest.mark.parametrize(
    ("topic", "event", "says"),
    [
        (
            "twilio.inbound.v1",
            {"tenant": "acme", "from": "+14155550123", "to": "+14155550100", "body": "STOP", "num_media": 0},
            "webhook  acme     +1415•••••23 writes to +14155550100: “STOP”",
        ),
        (
            "twilio.status.v1",
            {"tenant": "acme", "message_sid": SID, "message_status": "undelivered", "error_code": 30003},
            f"webhook  acme     {SID} is undelivered, error 30003",
        ),
        (
            "twilio.outbound.messages.v1",
            {"tenant": "acme", "command_id": "hello-1", "to": "+14155550123", "body": "Hello"},
            "command  acme     hello-1: to +1415•••••23 “Hello”",
        ),
        (
            "twilio.outbound.messages.v1",
            msgspec.to_builtins(CancelMessage(command_id="hello-1", tenant="acme", by="Ann", contact="acme|1")),
            "command  acme     hello-1: cancel",
        ),
        (
            "twilio.outbound.messages.v1",
            msgspec.to_builtins(ResolveAmbiguous(command_id="hello-1", tenant="acme", outcome="not_sent", by="Ann")),
            "command  acme     hello-1: resolve",
        ),
        ("twilio.outbound.messages.v1", {}, "command  ?        a record that is no JSON object"),
        (
            "twilio.outbound.results.v1",
            {"tenant": "acme", "command_id": "hello-1", "step": "attempted"},
            "verdict  acme     hello-1: allowed; Twilio is called",
        ),
        (
            "twilio.outbound.results.v1",
            {"tenant": "acme", "command_id": "b", "step": "blocked", "category": "suppressed", "reason": "by STOP"},
            "verdict  acme     b: blocked (suppressed) by STOP.",
        ),
        (
            "twilio.outbound.results.v1",
            {"tenant": "acme", "command_id": "b", "step": "rejected", "errors": ["to: +14155550123 is none"]},
            "verdict  acme     b: rejected to: +1415•••••23 is none.",
        ),
        (
            "twilio.outbound.results.v1",
            {"tenant": "acme", "command_id": "hello-1", "step": "sent", "message_sid": SID},
            f"end      acme     hello-1: sent {SID}",
        ),
    ],
)
def test_a_record_is_one_line(topic: str, event: dict[str, Any], says: str) -> None:
    told = line(topic, 0, event)
    assert told is not None
    assert told.partition("  ")[2] == says


def test_what_says_nothing_new_is_left_out() -> None:
    assert line("twilio.outbound.results.v1", 0, {"step": "accepted"}) is None
    assert line("twilio.sessions.v1", 0, {"tenant": "acme"}) is None


_JSON = st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.just({}), max_leaves=3)
_NAMES = ("tenant", "step", "command_id", "body", "to", "from", "num_media", "errors", "code", "reason", "event_type")


@given(st.sampled_from(TOPICS), st.dictionaries(st.sampled_from(_NAMES), _JSON))
def test_anybodys_record_is_one_line(topic: str, event: dict[str, Any]) -> None:
    told = line(topic, 0, event)
    assert told is None or "\n" not in told
