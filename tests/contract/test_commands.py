"""Public commands are read with distrust: whatever comes, the answer is a command, faults, or NotACommand."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import codec
from services.contract.commands import MAX_COMMAND_BYTES, NotACommand, read_object, read_send_message
from services.domain.messages.commands import CommandAccepted, CommandResult, SendMessage
from services.domain.messages.intake import Rules, accept
from services.runtime.folding.fold import Record
from services.sender.intake import Intake, read, refused

AT = "2026-02-21T18:22:11.123Z"
LEAST = {"command_id": "order-1", "tenant": "acme", "to": "+14155550123"}
RULES = Rules(contact_secret=b"secret", lifetime=60.0, default_region="US")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "no value"),
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":1} trailing', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a":"\xff"}', "not JSON"),
        (b'{"a":"\\ud800"}', "not JSON"),
        (b"[]", "a JSON list"),
        (b'"text"', "a JSON str"),
        (b"null", "a JSON NoneType"),
        (b'{"a":"' + b"x" * MAX_COMMAND_BYTES + b'"}', "at most 65536"),
        (b"[" * MAX_COMMAND_BYTES, "nested too deeply"),
        (b'{"a":' * 10_000, "nested too deeply"),
        (b'{"a":' + b"9" * 5_000 + b"}", "not JSON"),
    ],
)
def test_what_is_no_object_is_not_a_command(value: bytes | None, says: str) -> None:
    with pytest.raises(NotACommand, match=says):
        read_object(value)


@pytest.mark.parametrize(
    ("found", "faults"),
    [
        ({}, ["command_id: missing", "tenant: missing", "to: missing"]),
        (LEAST | {"boddy": "x"}, ["boddy: no such field; did you mean body?"]),
        (LEAST | {"from_": "x"}, ["from_: no such field; did you mean from?"]),
        (LEAST | {"ttl": 3}, ["ttl: no such field"]),
        (LEAST | {"to": 14155550123}, ["to: Expected `str`, got `int`"]),
        (LEAST | {"channel": "carrier pigeon"}, ["channel: one of sms, mms, whatsapp"]),
        (LEAST | {"event_type": "send"}, ["event_type: one of send_message"]),
        (LEAST | {"media_urls": ["a", 1]}, ["media_urls: Expected `str`, got `int` - at `$[1]`"]),
        (LEAST | {"content_variables": {"1": 2}}, ["content_variables: Expected `str`, got `int` - at `$[...]`"]),
        (LEAST | {"urgent": "yes"}, ["urgent: Expected `bool`, got `str`"]),
        (
            {"tenant": 1, "to": "+1", "bodi": ""},
            ["bodi: no such field; did you mean body?", "command_id: missing", "tenant: Expected `str`, got `int`"],
        ),
    ],
)
def test_faults_of_form_name_the_field_and_come_all_at_once(found: dict[str, Any], faults: list[str]) -> None:
    assert read_send_message(found) == faults


def test_a_command_reads_under_its_public_names() -> None:
    command = read_send_message(LEAST | {"from": "+14155550100", "body": "hello", "max_price": 1})
    assert command == SendMessage(
        command_id="order-1", tenant="acme", to="+14155550123", from_="+14155550100", body="hello", max_price=1.0
    )


@pytest.mark.parametrize(
    "found",
    [
        {f"field{number}": 1 for number in range(4_000)},
        {"x" * 60_000: 1},
        {"channel": "x" * 60_000},
        {"command_id": "x" * 30_000, "tenant": "y" * 30_000},
        LEAST | {"not_after": "🎉" * 15_000, "body": "x"},
        LEAST | {"tenant": "z" * 60_000},
    ],
)
def test_the_answer_to_a_wrong_command_is_small(found: dict[str, Any]) -> None:
    """A result that no record batch holds would stop the partition for ever."""
    event = read(record(json.dumps(found, ensure_ascii=False).encode()))
    _, (result,) = Intake({"acme": RULES})(None, event)
    assert len(codec.encode(result)) < 8_192


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**64), 10**400, 10**4000])
@pytest.mark.parametrize("field", ["attempt", "validity_period", "max_price"])
def test_a_number_beyond_all_bounds_is_a_fault_of_its_field(field: str, number: int) -> None:
    event = read(record(json.dumps(LEAST | {"from": "+14155550100", "body": "hello", field: number}).encode()))
    _, (result,) = Intake({"acme": RULES})(None, event)
    assert isinstance(result, CommandResult), result
    assert [fault.split(":")[0] for fault in result.errors] == [field]
    codec.encode(result)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_not_a_command(value: bytes) -> None:
    try:
        found = read_object(value)
    except NotACommand as error:
        codec.encode(refused(record(value), str(error)))
    else:
        assert isinstance(read_send_message(found), SendMessage | list)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [field.encode_name for field in msgspec.structs.fields(SendMessage)]
TIMES = st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
PLAUSIBLE = st.sampled_from(
    ["acme", "+14155550123", "whatsapp:+1", "US.1", "MG" + "d" * 32, "https://x", "sms", "whatsapp", "4155550123"]
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS) | st.text(), PLAUSIBLE | TIMES | ANYTHING)


@given(OBJECTS, st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_any_object_is_accepted_or_answered_with_its_faults(found: dict[str, Any], timestamp: int) -> None:
    try:
        event = read(record(json.dumps(LEAST | found).encode(), timestamp))
    except NotACommand:
        return  # an integer beyond 64 bits, a lone surrogate
    _, (answer,) = Intake({"acme": RULES})(None, event)
    codec.encode(answer)
    assert isinstance(answer, CommandAccepted) or (answer.terminal and answer.errors)


@given(
    st.builds(
        SendMessage,
        command_id=st.text(max_size=5) | st.just("order-1"),
        tenant=st.just("acme"),
        to=st.text() | PLAUSIBLE | st.from_regex(r"(whatsapp:)?\+?[0-9 ()-]{5,15}", fullmatch=True),
        from_=st.none() | st.text() | PLAUSIBLE,
        messaging_service_sid=st.none() | PLAUSIBLE,
        channel=st.sampled_from([None, "sms", "mms", "whatsapp"]),
        body=st.none() | st.text(),
        not_after=st.none() | st.text() | TIMES,
    )
)
def test_what_is_accepted_is_accepted_again_as_it_was_written(command: SendMessage) -> None:
    first = accept(command, RULES, AT, 0)
    if isinstance(first, list):
        assert all(": " in fault for fault in first)
        return
    written = SendMessage(
        command_id=first.command_id,
        tenant=first.tenant,
        to=first.to,
        from_=first.from_,
        messaging_service_sid=first.messaging_service_sid,
        body=first.body,
        not_after=first.not_after,
        channel=first.channel,
    )
    again = accept(written, RULES, AT, 0)
    assert isinstance(again, CommandAccepted), again
    assert (again.contact, again.to, again.from_, again.channel) == (
        first.contact,
        first.to,
        first.from_,
        first.channel,
    )


def record(value: bytes, timestamp: int = 0) -> Record:
    return Record("twilio.outbound.messages.v1", 0, 3, timestamp, b"key", value, [])
