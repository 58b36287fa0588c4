"""The codec: what is wrong is told, and nothing of the value with it."""

import contextlib
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import codec
from services.contract.consent import CONSENT, SUPPRESSION
from services.contract.messages import INBOUND
from services.contract.outbound import ACCEPTED
from services.contract.topics import BY_CONTACT, EVENTS
from services.domain.messages.commands import SendMessage
from services.domain.messages.events import InboundReceived

SECRET = "+14155550123"
GOOD = codec.encode(SendMessage(command_id="c-1", tenant="acme", to=SECRET))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(None, "the record has no value", id="tombstone"),
        pytest.param(b"", "truncated", id="empty"),
        pytest.param(GOOD[:-5], "truncated", id="cut off"),
        pytest.param(GOOD + b"x", "trailing characters", id="something after it"),
        pytest.param(f"call {SECRET}".encode(), "malformed", id="no JSON"),
        pytest.param(b"[]", "Expected `object`, got `array`", id="no object"),
        pytest.param(b"{}", "missing required field `command_id`", id="field missing"),
        pytest.param(
            GOOD.replace(b'"acme"', b"4155550123"),
            "Expected `str`, got `int` - at `$.tenant`",
            id="wrong type",
        ),
        pytest.param(
            GOOD[:-1] + b',"content_variables":{"+14155550123":1}}',
            "Expected `str`, got `int` - at `$.content_variables[...]`",
            id="wrong type under a key that is personal",
        ),
        pytest.param(
            GOOD[:-1] + b',"channel":"+14155550123"}',
            "Invalid enum value - at `$.channel`",
            id="value not listed",
        ),
        pytest.param(
            GOOD[:-1] + b',"channel":"x - at `$.+14155550123`"}',
            "Invalid enum value - at `$.channel`",
            id="value not listed that looks like a path",
        ),
        pytest.param(GOOD.replace(b"acme", b"\xff\xfe"), "not UTF-8", id="invalid UTF-8"),
        pytest.param(b'{"a":' + b"[" * 100_000, "nested too deeply", id="nested without end"),
    ],
)
def test_what_cannot_be_decoded_is_told_without_its_value(data: bytes | None, said: str) -> None:
    with pytest.raises(codec.DecodeError) as caught:
        codec.decode(data, SendMessage)
    told = "".join(traceback.format_exception(caught.value))
    assert said in str(caught.value)
    assert "4155550123" not in told


@given(st.binary(max_size=60))
def test_bytes_decode_or_raise_decode_error(data: bytes) -> None:
    with contextlib.suppress(codec.DecodeError):
        codec.decode(data, InboundReceived)


def test_names_on_the_wire_are_the_contracts() -> None:
    said = codec.encode(SendMessage(command_id="c-1", tenant="acme", to=SECRET, from_="+14155550100"))
    assert b'"from":"+14155550100"' in said
    assert b"from_" not in GOOD


def test_fields_from_a_later_version_are_passed_over() -> None:
    later = GOOD[:-1] + b',"added_later":{"a":[1]}}'
    assert codec.decode(later, SendMessage) == codec.decode(GOOD, SendMessage)


def test_headers_tell_what_a_value_is() -> None:
    assert codec.headers("twilio.sent.v1") == [
        ("content-type", b"application/json"),
        ("schema", b"twilio.sent.v1"),
        ("format", b"1"),
    ]


@pytest.mark.parametrize("stated", [None, b"", b"1", b"0", b"01", b"-2", b"2.0", b"two", b"9" * 30, b"\xff"])
def test_a_record_that_names_no_newer_format_is_read(stated: bytes | None) -> None:
    codec.refuse_newer([("format", stated)], "twilio.inbound.v1/3@17")
    codec.refuse_newer([], "twilio.inbound.v1/3@17")


@pytest.mark.parametrize("headers", [[("format", b"2")], [("format", b"1"), ("format", b"7")]])
def test_a_record_of_a_newer_format_is_refused_with_what_to_do(headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(codec.NewerFormat, match=r"twilio\.inbound\.v1/3@17 .* newer release"):
        codec.refuse_newer(headers, "twilio.inbound.v1/3@17")


def test_headers_carry_a_trace_where_there_is_one() -> None:
    traced = codec.headers("twilio.sent.v1", b"00-trace")
    assert traced[-1] == ("traceparent", b"00-trace")
    assert codec.headers("twilio.sent.v1") == traced[:-1]


@pytest.mark.parametrize("topic", [topic.name for topic in EVENTS])
def test_every_record_keyed_by_contact_says_by_which_aliases(topic: str) -> None:
    stated = dict(codec.headers(topic)).get("alias-version")
    assert stated == (b"2" if topic in BY_CONTACT else None)
    assert (codec.other_aliases(codec.headers(topic)) is None) == (topic in BY_CONTACT)


def test_which_topics_are_keyed_by_contact() -> None:
    assert {INBOUND.name, ACCEPTED.name, CONSENT.name, SUPPRESSION.name} < BY_CONTACT


@pytest.mark.parametrize(
    ("stated", "version"),
    [(None, "none"), (b"1", "1"), (b"3", "3"), (b"", "none"), (b"2 ", "2 "), (b"\xff" * 99, "\ufffd" * 20)],
)
def test_another_alias_version_is_named(stated: bytes | None, version: str) -> None:
    headers = [("schema", b"x")] if stated is None else [("alias-version", stated)]
    assert codec.other_aliases(headers) == version
