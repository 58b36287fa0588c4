"""Public commands are read with distrust: whatever comes, the answer is a command, faults, or NotACommand."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import codec, reading
from services.contract.commands import read_command, read_message_command
from services.contract.reading import MAX_COMMAND_BYTES, NotACommand, read_object
from services.domain.consent.commands import ConsentAccepted, RecordConsent
from services.domain.identity import Place
from services.domain.messages.commands import CancelMessage, CommandAccepted, ResolveAmbiguous, SendMessage
from services.domain.messages.intake import Rules, accept
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted
from services.domain.results import CommandResult
from services.runtime.folding.fold import Record
from services.sender.intake import Intake
from tests.sender.reading import read_consent, read_message

AT = "2026-02-21T18:22:11.123Z"
LEAST = {"command_id": "order-1", "tenant": "acme", "to": "+14155550123"}
RESOLVE = {
    "event_type": "resolve_ambiguous", "command_id": "order-1", "tenant": "acme", "to": "+14155550123",
    "outcome": "not_sent", "by": "ann",
}  # fmt: skip
CANCEL = {"event_type": "cancel_message", "command_id": "order-1", "tenant": "acme", "to": "+14155550123", "by": "ann"}
CONSENT = {"command_id": "form-1", "tenant": "acme", "address": "+14155550123", "action": "opt_in"}
RULES = Rules(contact_secret=b"secret", lifetime=60.0, default_region="US")


KINDS = (
    "event_type: one of send_message, resolve_ambiguous, cancel_message, reschedule_message; left out, it is "
    "send_message"
)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "no value"),
        (b"", "not JSON: it ends too early; write one object"),
        (b"hello", "not JSON: wrong at line 1, column 1; write one object"),
        (b"{", "not JSON: it ends too early"),
        (b'{"a":1} trailing', "not JSON: wrong at line 1, column 9"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a":"\xff"}', "not JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"\xff\xfe{\x00}\x00", "not JSON"),
        (b'{"a":"x\ny"}', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"[]", "JSON, but a list"),
        (b'"text"', "JSON, but a text"),
        (b"null", "JSON, but null"),
        (b"3", "JSON, but a whole number"),
        (b"NaN", "not JSON: a number in it is none, or is too long"),
        (b'{"a":"' + b"x" * MAX_COMMAND_BYTES + b'"}', "at most 65536"),
        (b"[" * MAX_COMMAND_BYTES, "nested too deeply"),
        (b'{"a":' * 10_000, "nested too deeply"),
        (b'{"a":' + b"9" * 5_000 + b"}", "not JSON: a number in it is none, or is too long"),
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
        (LEAST | {"from_": "x"}, ["from_: no such field; here it is from"]),
        (LEAST | {"ttl": 3}, ["ttl: no such field; leave it out"]),
        (LEAST | {"to": 14155550123}, ["to: must be a text; this is a whole number; write it in quotes"]),
        (LEAST | {"channel": "carrier pigeon"}, ["channel: one of sms, mms, whatsapp, rcs, messenger"]),
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
        (LEAST | {"media_urls": ["a", 1]}, [
            "media_urls[1]: must be a text; this is a whole number; write it in quotes",
        ]),
        (LEAST | {"media_urls": [["a"], None]}, [
            "media_urls[0]: must be a text; this is a list",
            "media_urls[1]: must be a text; this is null; leave it out instead",
        ]),
        (LEAST | {"media_urls": "a,b"}, [
            "media_urls: must be a list; this is a text; write [ ] around it, and each of several as its own element",
        ]),
        (LEAST | {"content_variables": {"1": 2.0, "name": None}}, [
            "content_variables.1: must be a text; this is a number with a decimal point; write it in quotes",
            "content_variables.name: must be a text; this is null; leave it out instead",
        ]),
        (LEAST | {"content_variables": '{"1":"x"}'}, [
            "content_variables: must be an object; this is a text; write the object itself, not JSON within a text",
        ]),
        (LEAST | {"content_variables": [["1", "x"]]}, ["content_variables: must be an object; this is a list"]),
        (LEAST | {"urgent": "yes"}, ["urgent: must be true or false; this is a text; write it without quotes"]),
        (LEAST | {"urgent": 1}, ["urgent: must be true or false; this is a whole number"]),
        (LEAST | {"attempt": True}, ["attempt: must be a whole number; this is true or false"]),
        (LEAST | {"attempt": 1.5}, ["attempt: must be a whole number; this is a number with a decimal point"]),
        (LEAST | {"attempt": "3"}, ["attempt: must be a whole number; this is a text; write it without quotes"]),
        (LEAST | {"max_price": "0.1"}, ["max_price: must be a number; this is a text; write it without quotes"]),
        (LEAST | {"body": {"text": "x"}}, ["body: must be a text; this is an object"]),
        (
            {"tenant": 1, "to": "+1", "bodi": ""},
            [
                "bodi: no such field; did you mean body?",
                "command_id: missing",
                "tenant: must be a text; this is a whole number; write it in quotes",
            ],
        ),
    ],
)  # fmt: skip
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
        (
            RESOLVE | {"body": "x", "from": "+1"},
            ["body: no such field; did you mean by?", "from: no such field; leave it out"],
        ),
        (RESOLVE | {"outcome": "perhaps"}, ["outcome: one of sent, not_sent"]),
        (RESOLVE | {"outcome": None}, ["outcome: one of sent, not_sent"]),
        (
            RESOLVE | {"by": 7, "note": []},
            [
                "by: must be a text; this is a whole number; write it in quotes",
                "note: must be a text; this is a list",
            ],
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
        (CONSENT | {"to": "+1"}, ["to: no such field; leave it out"]),
        (CONSENT | {"action": "opt-in"}, ["action: one of opt_in, opt_out, dismiss"]),
        (CONSENT | {"event_type": "send_message"}, ["event_type: one of record_consent"]),
        (CONSENT | {"proof": {"url": "x"}, "ip": 1}, [
            "ip: must be a text; this is a whole number; write it in quotes",
            "proof: must be a text; this is an object",
        ]),
    ],
)  # fmt: skip
def test_faults_of_form_of_a_consent(found: dict[str, Any], faults: list[str]) -> None:
    assert read_command(found, RecordConsent) == faults


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ({"body": "cut \ud83c"}, ["body: half a character"]),
        ({"from": "\udfff"}, ["from: half a character"]),
        ({"content_variables": {"1": "\ud83c", "\ud83c": "x"}}, [
            "content_variables.1: half a character", "content_variables.?: half a character in the name",
        ]),
        ({"media_urls": ["https://example.com", "https://example.com/\ud83c"]}, ["media_urls[1]: half a character"]),
        ({"max_price": float("nan")}, ["max_price: no number"]),
        ({"max_price": float("-inf")}, ["max_price: no number"]),
        ({"\ud83c": 1}, ["?: half a character in the name", "?: no such field"]),
    ],
)  # fmt: skip
def test_what_strict_json_has_no_place_for_is_a_fault_of_its_field(value: dict[str, Any], faults: list[str]) -> None:
    event = read_message(record(json.dumps(LEAST | value).encode()))
    _, (result,) = Intake({"acme": RULES})(None, event)
    assert isinstance(result, CommandResult)
    codec.encode(result)
    assert (result.step, result.terminal, result.command_id) == ("rejected", True, "order-1")
    assert len(result.errors) == len(faults)
    assert all(told.startswith(fault) for told, fault in zip(result.errors, faults, strict=True))


def test_numbers_without_bounds_are_faults_of_their_field() -> None:
    assert read_object(b'{"max_price":1e400}').faults == [
        "max_price: no number, or one beyond all bounds; leave it out"
    ]


def test_a_name_that_stands_twice_is_named() -> None:
    read = read_object(b'{"to":"+1","to":"+2","content_variables":{"1":"a","1":"b"},"media_urls":[{"x":1,"x":1}]}')
    assert [fault.split(":")[0] for fault in read.faults] == ["to", "content_variables.1", "media_urls[0].x"]


def told_of(value: bytes, key: bytes | None = b"order-18473") -> CommandResult:
    """The answer to a record, whatever is in it."""
    one = Record("twilio.outbound.messages.v1", 0, 3, 0, key, value, [])
    try:
        _, (result,) = Intake({"acme": RULES})(None, read_message(one))
    except NotACommand as error:
        (result,) = Intake({"acme": RULES}).refused(one, str(error))
    assert isinstance(result, CommandResult)
    codec.encode(result)
    assert (result.step, result.terminal) == ("rejected", True)
    return result


@pytest.mark.parametrize(
    ("value", "key", "tenant", "command_id"),
    [
        (b'{"command_id":18473,"tenant":"acme","to":14155550123}', b"order-18473", "acme", "18473"),
        (b'{"command_id":18473.0,"tenant":"acme"}', b"order-18473", "acme", "18473.0"),
        (b'{"command_id":' + b"9" * 40 + b',"tenant":42}', None, "", "9" * 40),
        (b'{"command_id":' + b"9" * 300 + b',"tenant":42}', None, "", "9" * 128),
        (b'{"command_id":' + b"9" * 5000 + b',"tenant":"acme"}', b"order-18473", "", "order-18473"),
        (b'{"command_id":null,"tenant":"acme"}', b"order-18473", "acme", "order-18473"),
        (b'{"command_id":true,"tenant":["acme"]}', b"order-18473", "", "order-18473"),
        (b'{"command_id":{"id":1},"tenant":"acme"}', b"order-18473", "acme", "order-18473"),
        (b'{"tenant":"acme"}', b"order-18473", "acme", "order-18473"),
        (b'{"command_id":"","tenant":"acme"}', b"order-18473", "acme", "order-18473"),
        (b'{"tenant":"acme"}', None, "acme", "twilio.outbound.messages.v1/0@3"),
        (b'{"tenant":"acme"}', b"\xff" * 200, "acme", "\ufffd" * 128),
        (b'{"command_id":"a\\ud83c","tenant":"acme"}', None, "acme", "a?"),
        # What is no JSON may still say who it is.
        (b'\xef\xbb\xbf{"command_id":"order-1","tenant":"acme"}', b"k", "", "k"),
        (b'{"command_id":"order-1","tenant":"acme","body":"line\nline"}', b"k", "acme", "order-1"),
        (b'{"command_id":"order-1","tenant":"acme","body":"gr\xfc\xdfe"}', b"k", "acme", "order-1"),
        (b'{"command_id":"order-1","tenant":"acme","max_price":NaN}', b"k", "acme", "order-1"),
        (b"[1]", b"k", "", "k"),
    ],
)
def test_a_refusal_finds_its_way_back(value: bytes, key: bytes | None, tenant: str, command_id: str) -> None:
    result = told_of(value, key)
    assert (result.tenant, result.command_id) == (tenant, command_id)


def test_ids_that_became_numbers_are_both_named() -> None:
    result = told_of(b'{"command_id":18473,"tenant":"acme","to":14155550123,"from":"+14155550100","body":"hi"}')
    assert [fault.split(":")[0] for fault in result.errors] == ["command_id", "to"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("MediaUrl", "here it is media_urls, a list"),
        ("mediaUrl", "here it is media_urls, a list"),
        ("FALLBACK_FROM", "here it is fallback_from"),
        ("content-sid", "here it is content_sid"),
        ("Body", "here it is body"),
        ("StatusCallback", "Switchboard sets it; read the statuses on twilio.delivery.v1"),
        ("statusCallback", "Switchboard sets it; read the statuses on twilio.delivery.v1"),
    ],
)
def test_twilios_names_are_told_ours(name: str, told: str) -> None:
    assert read_message_command(LEAST | {name: "x"}) == [f"{name}: no such field; {told}"]


@pytest.mark.parametrize("type_", [SendMessage, ResolveAmbiguous, CancelMessage, RecordConsent])
def test_what_is_unknown_is_named_ten_times_and_then_counted(type_: Any) -> None:
    faults = read_command({f"unheard{number}": 1 for number in range(14)}, type_)
    assert isinstance(faults, list)
    assert [fault for fault in faults if "no such field" in fault] == [
        f"unheard{number}: no such field; leave it out" for number in range(10)
    ]
    assert "4 more fields that do not exist" in faults


def test_a_message_command_is_what_it_says_it_is() -> None:
    send = SendMessage(command_id="order-1", tenant="acme", to="+14155550123")
    assert read_message_command(LEAST) == read_message_command(LEAST | {"event_type": "send_message"}) == send
    assert read_message_command(RESOLVE) == ResolveAmbiguous(
        command_id="order-1", tenant="acme", to="+14155550123", outcome="not_sent", by="ann"
    )
    assert read_message_command(CANCEL) == CancelMessage(
        command_id="order-1", tenant="acme", to="+14155550123", by="ann"
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
        CANCEL | {"by": "x" * 30_000, "note": "y" * 30_000},
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
        found = read_object(value).fields
    except NotACommand as error:
        codec.encode(Intake({}).refused(record(value), str(error)))
    else:
        assert isinstance(read_message_command(found), SendMessage | ResolveAmbiguous | CancelMessage | list)
        assert isinstance(read_command(found, RecordConsent), RecordConsent | list)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters(categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = {
    field.encode_name
    for type_ in (SendMessage, ResolveAmbiguous, CancelMessage, RecordConsent)
    for field in msgspec.structs.fields(type_)
}
TIMES = st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
PLAUSIBLE = st.sampled_from(
    [
        "acme", "+14155550123", "whatsapp:+1", "US.1", "MG" + "d" * 32, "https://x", "sms", "whatsapp", "4155550123",
        "SM" + "e" * 32, "sent", "not_sent", "opt_in", "opt_out", "resolve_ambiguous", "cancel_message",
        "acme|" + "f" * 32,
    ]
)  # fmt: skip
OBJECTS = st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(), PLAUSIBLE | TIMES | ANYTHING)


@given(
    OBJECTS, st.sampled_from([LEAST, RESOLVE, CANCEL, CONSENT]), st.integers(min_value=-(2**63), max_value=2**63 - 1)
)
def test_any_object_is_accepted_or_answered_with_its_faults(
    found: dict[str, Any], least: dict[str, Any], timestamp: int
) -> None:
    read = read_consent if least is CONSENT else read_message
    try:
        event = read(record(json.dumps(least | found).encode(), timestamp))
    except NotACommand:
        return  # an integer beyond all bounds
    _, (answer, *more) = Intake({"acme": RULES})(None, event)
    codec.encode(answer)
    if isinstance(answer, ConsentAccepted):
        [result] = more
        codec.encode(result)
        assert (result.step, result.terminal, result.errors) == ("recorded", True, [])
        return
    assert not more
    accepted = isinstance(answer, CommandAccepted | ResolutionAccepted | CancelAccepted)
    assert accepted or (answer.step == "rejected" and answer.terminal != event.about_another and answer.errors)


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
        not_before=st.none() | st.text() | TIMES,
        not_after=st.none() | st.text() | TIMES,
        label=st.none() | st.text(max_size=70),
        purpose=st.sampled_from([None, "marketing", "utility", "authentication"]),
    )
)
def test_what_is_accepted_is_accepted_again_as_it_was_written(command: SendMessage) -> None:
    first = accept(command, RULES, AT, Place(0, 0))
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
        not_before=first.not_before,
        not_after=first.not_after,
        label=first.label,
        purpose=first.purpose,
        channel=first.channel,
    )
    again = accept(written, RULES, AT, Place(0, 0))
    assert isinstance(again, CommandAccepted), again
    names = ("contact", "to", "from_", "channel", "not_before", "not_after", "label", "purpose")
    assert [getattr(again, name) for name in names] == [getattr(first, name) for name in names]


def record(value: bytes, timestamp: int = 0) -> Record:
    return Record("twilio.outbound.messages.v1", 0, 3, timestamp, b"key", value, [])


NAMES = st.sampled_from(["to", "body", "from", "x"])
FLAT = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
LINES = st.recursive(
    FLAT, lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(NAMES, inner), max_size=4).map(tuple)
)


def _written(value: Any) -> str:
    """As JSON; a tuple is an object, in which a name may stand twice."""
    if isinstance(value, tuple):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(one)}" for name, one in value) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False)


@given(st.lists(st.tuples(NAMES, LINES), max_size=4).map(tuple))
def test_the_short_way_to_read_an_object_finds_what_the_long_one_finds(value: Any) -> None:
    text = _written(value).encode("utf-8", "surrogatepass")
    quickly = reading._plainly(text)
    if quickly is not None:
        assert quickly == json.loads(text)
        assert not list(reading._faults(reading._loosely(text))), "what has a fault is looked at closely"


def test_most_objects_go_the_short_way() -> None:
    assert reading._plainly(b'{"to": "+1", "media_urls": ["https://a"], "attempt": 1, "content_variables": {"1": "b"}}')
