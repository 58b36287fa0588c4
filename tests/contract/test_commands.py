"""Public commands are read with distrust: whatever comes, the answer is a command, faults, or NotACommand."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import codec
from services.contract.commands import (
    MAX_COMMAND_BYTES,
    NotACommand,
    read_command,
    read_message_command,
    read_object,
)
from services.domain.consent.commands import ConsentAccepted, RecordConsent
from services.domain.messages.commands import (
    CommandAccepted,
    CommandResult,
    ResolutionAccepted,
    ResolveAmbiguous,
    SendMessage,
)
from services.domain.messages.intake import Rules, accept
from services.runtime.folding.fold import Record
from services.sender.intake import Intake, read_consent, read_message, refused

AT = "2026-02-21T18:22:11.123Z"
LEAST = {"command_id": "order-1", "tenant": "acme", "to": "+14155550123"}
RESOLVE = {
    "event_type": "resolve_ambiguous", "command_id": "order-1", "tenant": "acme", "to": "+14155550123",
    "outcome": "not_sent", "by": "ann",
}  # fmt: skip
CONSENT = {"command_id": "form-1", "tenant": "acme", "address": "+14155550123", "action": "opt_in"}
RULES = Rules(contact_secret=b"secret", lifetime=60.0, default_region="US")


KINDS = "event_type: one of send_message, resolve_ambiguous; left out, it is send_message"


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
        (
            LEAST | {"event_type": "send"},
            [KINDS],
        ),
        (
            LEAST | {"event_type": None},
            [KINDS],
        ),
        (
            LEAST | {"event_type": ["resolve_ambiguous"]},
            [KINDS],
        ),
        (
            LEAST | {"event_type": "record_consent"},
            [KINDS],
        ),
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
    assert read_message_command(found) == faults


@pytest.mark.parametrize(
    ("found", "faults"),
    [
        (
            {"event_type": "resolve_ambiguous"},
            ["command_id: missing", "tenant: missing", "outcome: missing", "by: missing"],
        ),
        (RESOLVE | {"message_id": "SM1"}, ["message_id: no such field; did you mean message_sid?"]),
        # Fields of a send are not those of a resolution.
        (RESOLVE | {"body": "x", "from": "+1"}, ["body: no such field; did you mean by?", "from: no such field"]),
        (RESOLVE | {"outcome": "perhaps"}, ["outcome: one of sent, not_sent"]),
        (RESOLVE | {"outcome": None}, ["outcome: one of sent, not_sent"]),
        (
            RESOLVE | {"by": 7, "note": []},
            ["by: Expected `str`, got `int`", "note: Expected `str | null`, got `array`"],
        ),
    ],
)
def test_faults_of_form_of_a_resolution(found: dict[str, Any], faults: list[str]) -> None:
    assert read_message_command(found) == faults


@pytest.mark.parametrize(
    ("found", "faults"),
    [
        ({}, ["command_id: missing", "tenant: missing", "address: missing", "action: missing"]),
        (CONSENT | {"adress": "+1"}, ["adress: no such field; did you mean address?"]),
        (CONSENT | {"user-agent": "x"}, ["user-agent: no such field; did you mean user_agent?"]),
        # Fields of a send are not those of a consent.
        (CONSENT | {"to": "+1"}, ["to: no such field"]),
        (CONSENT | {"action": "opt-in"}, ["action: one of opt_in, opt_out"]),
        (CONSENT | {"event_type": "send_message"}, ["event_type: one of record_consent"]),
        (CONSENT | {"proof": {"url": "x"}, "ip": 1}, [
            "ip: Expected `str | null`, got `int`",
            "proof: Expected `str | null`, got `object`",
        ]),
    ],
)  # fmt: skip
def test_faults_of_form_of_a_consent(found: dict[str, Any], faults: list[str]) -> None:
    assert read_command(found, RecordConsent) == faults


@pytest.mark.parametrize("type_", [SendMessage, ResolveAmbiguous, RecordConsent])
def test_what_is_unknown_is_named_ten_times_and_then_counted(type_: Any) -> None:
    faults = read_command({f"unheard{number}": 1 for number in range(14)}, type_)
    assert isinstance(faults, list)
    assert [fault for fault in faults if "no such field" in fault] == [
        f"unheard{number}: no such field" for number in range(10)
    ]
    assert "4 more fields that do not exist" in faults


def test_a_message_command_is_what_it_says_it_is() -> None:
    send = SendMessage(command_id="order-1", tenant="acme", to="+14155550123")
    assert read_message_command(LEAST) == read_message_command(LEAST | {"event_type": "send_message"}) == send
    assert read_message_command(RESOLVE) == ResolveAmbiguous(
        command_id="order-1", tenant="acme", to="+14155550123", outcome="not_sent", by="ann"
    )


def test_a_consent_need_not_say_what_it_is() -> None:
    stated = RecordConsent(command_id="form-1", tenant="acme", address="+14155550123", action="opt_in")
    assert read_command(CONSENT, RecordConsent) == stated
    assert read_command(CONSENT | {"event_type": "record_consent"}, RecordConsent) == stated


def test_a_command_reads_under_its_public_names() -> None:
    command = read_message_command(LEAST | {"from": "+14155550100", "body": "hello", "max_price": 1})
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
        RESOLVE | {"by": "x" * 30_000, "note": "y" * 30_000},
        RESOLVE | {"contact": "acme|" + "x" * 60_000},
        CONSENT | {"proof": "x" * 60_000},
        CONSENT | {"sender": "x" * 30_000, "given_at": "y" * 30_000},
    ],
)
def test_the_answer_to_a_wrong_command_is_small(found: dict[str, Any]) -> None:
    """A result that no record batch holds would stop the partition for ever."""
    value = json.dumps(found, ensure_ascii=False).encode()
    for read in (read_message, read_consent):
        _, (result,) = Intake({"acme": RULES})(None, read(record(value)))
        assert isinstance(result, CommandResult)
        assert len(codec.encode(result)) < 8_192


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**64), 10**400, 10**4000])
@pytest.mark.parametrize("field", ["attempt", "validity_period", "max_price"])
def test_a_number_beyond_all_bounds_is_a_fault_of_its_field(field: str, number: int) -> None:
    event = read_message(record(json.dumps(LEAST | {"from": "+14155550100", "body": "hello", field: number}).encode()))
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
        assert isinstance(read_message_command(found), SendMessage | ResolveAmbiguous | list)
        assert isinstance(read_command(found, RecordConsent), RecordConsent | list)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = {
    field.encode_name
    for type_ in (SendMessage, ResolveAmbiguous, RecordConsent)
    for field in msgspec.structs.fields(type_)
}
TIMES = st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
PLAUSIBLE = st.sampled_from(
    [
        "acme", "+14155550123", "whatsapp:+1", "US.1", "MG" + "d" * 32, "https://x", "sms", "whatsapp", "4155550123",
        "SM" + "e" * 32, "sent", "not_sent", "opt_in", "opt_out", "resolve_ambiguous", "acme|" + "f" * 32,
    ]
)  # fmt: skip
OBJECTS = st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(), PLAUSIBLE | TIMES | ANYTHING)


@given(OBJECTS, st.sampled_from([LEAST, RESOLVE, CONSENT]), st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_any_object_is_accepted_or_answered_with_its_faults(
    found: dict[str, Any], least: dict[str, Any], timestamp: int
) -> None:
    read = read_consent if least is CONSENT else read_message
    try:
        event = read(record(json.dumps(least | found).encode(), timestamp))
    except NotACommand:
        return  # an integer beyond 64 bits, a lone surrogate
    _, (answer, *more) = Intake({"acme": RULES})(None, event)
    codec.encode(answer)
    if isinstance(answer, ConsentAccepted):
        [result] = more
        codec.encode(result)
        assert (result.step, result.terminal, result.errors) == ("recorded", True, [])
        return
    assert not more
    accepted = isinstance(answer, CommandAccepted | ResolutionAccepted)
    resolves = event.resolves
    assert accepted or (answer.step == "rejected" and answer.terminal != resolves and answer.errors)


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
