"""What a message says, judged before the call: media, a template's variables, and segments told with it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages.commands import CommandAccepted, SendMessage
from services.domain.messages.content import faults_of_content
from services.domain.messages.segments import segments
from services.simulator.segments import segment_count
from tests.domain.test_intake import judged, taken

CONTENT = "HX" + "a" * 32
A, B = "https://example.com/a.jpg", "https://example.com/b.jpg"


def faults_of(variables: dict[str, str], to: str = "whatsapp:+14155550123") -> list[str]:
    found = judged(to=to, body=None, content_sid=CONTENT, content_variables=variables)
    return found if isinstance(found, list) else []


@pytest.mark.parametrize(
    "variables",
    [
        {"1": "Ann", "2": "x"},
        {"1": "I'm here"},
        {"1": 'say "hello" \\ {{2}}'},
        {"1": "first line\nsecond line"},
        {"1": "first line\r\nsecond line"},
        {"1": "a    b"},
        {"1": "a\n    b"},
        {"1": " padded "},
        {"1": "x" * 1600},
        {"1": "🎉" * 1600},
        {"first_name": "Ann", "IdName": "x", "öffnung": "x"},
        {"3": "c", "1": "a", "2": "b"},
        {"7": "without those before"},
        {str(number): "x" for number in range(1, 101)},
        # Some write this where they have nothing to say: it is a character, and nobody says that Twilio refuses it.
        {"1": "\u200b"},
        {},
    ],
)
def test_variables_that_twilio_takes(variables: dict[str, str]) -> None:
    assert faults_of(variables) == []


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"1": "Ann", "2": ""}, ["content_variables.2: empty"]),
        ({"1": " \t\n\u00a0\u3000"}, ["content_variables.1: empty"]),
        ({"1": "", "2": " ", "3": "x"}, ["content_variables.1: empty", "content_variables.2: empty"]),
        ({"1": "a\n\nb"}, ["content_variables.1: line breaks in a row"]),
        ({"1": "a\r\n\r\nb"}, ["content_variables.1: line breaks in a row"]),
        ({"1": "a\n  \nb"}, ["content_variables.1: line breaks in a row"]),
        ({"1": "a\u2028\u2029b"}, ["content_variables.1: line breaks in a row"]),
        ({"1": "a     b"}, ["content_variables.1: more than four blanks in a row"]),
        ({"1": "a \u00a0 \u00a0 b"}, ["content_variables.1: more than four blanks in a row"]),
        ({"1": "a\tb"}, ["content_variables.1: a tab"]),
        ({"1": "a\tb     c"}, ["content_variables.1: a tab and more than four blanks in a row"]),
        ({"1": "x" * 1601}, ["content_variables.1: 1601 characters"]),
        ({"": "x"}, ["content_variables.'': an empty name"]),
        ({"  ": "x"}, ["content_variables.'  ': an empty name"]),
        ({"{{1}}": "x"}, ["content_variables.{{1}}: a placeholder's name has no blanks and no braces"]),
        ({"first name": "x"}, ["content_variables.first name: a placeholder's name has no blanks"]),
        ({"a\n": "x"}, ["content_variables.'a\\n': a placeholder's name has no blanks"]),
        ({"x" * 17: "x"}, [f"content_variables.{'x' * 17}: a placeholder's name has at most 16"]),
        ({str(number): "x" for number in range(101)}, ["content_variables: 101; a template has at most 100"]),
    ],
)
def test_each_placeholder_that_twilio_would_refuse_is_named(variables: dict[str, str], told: list[str]) -> None:
    found = faults_of(variables)
    assert len(found) == len(told)
    assert all(fault.startswith(start) for fault, start in zip(found, told, strict=True)), found


def test_what_whatsapp_forbids_is_allowed_by_sms() -> None:
    assert faults_of({"1": "a\t     b\n\nc"}, to="+14155550123") == []
    assert faults_of({"1": ""}, to="+14155550123") != []


def test_a_hundred_wrong_variables_are_told_in_a_bounded_answer() -> None:
    found = faults_of({str(number): "" for number in range(100)})
    assert len(found) == 21
    assert found[-1] == "content_variables: 80 more are wrong"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"media_urls": ["https://"]}, ["media_urls[0]: names no host"]),
        ({"media_urls": ["https:// example.com/a.jpg"]}, ["media_urls[0]: has a blank"]),
        ({"media_urls": ["https://example.com/my photo.jpg"]}, ["media_urls[0]: has a blank"]),
        ({"media_urls": ["https://localhost/a.jpg"]}, ["media_urls[0]: names a host of a private network"]),
        ({"media_urls": ["https://example.com:99999/a.jpg"]}, ["media_urls[0]: is not a URL"]),
        ({"media_urls": [f"{A},{B}"]}, ["media_urls[0]: holds several URLs"]),
        ({"media_urls": [f"{A}, {B}"]}, ["media_urls[0]: has a blank"]),
        ({"media_urls": [f"{A};{B}"]}, ["media_urls[0]: holds several URLs"]),
        ({"media_urls": [""]}, ["media_urls[0]: does not begin with https://"]),
        ({"media_urls": ["https://user:secret@example.com/a.jpg"]}, ["media_urls[0]: has a user or a password"]),
        ({"media_urls": [A, "http://10.0.0.1/b.jpg", "x"]}, ["media_urls[1]: names", "media_urls[2]: does not"]),
        ({"media_urls": [A, B], "to": "whatsapp:+14155550123"}, ["media_urls: 2; WhatsApp carries one per message"]),
        (
            {"media_urls": ["http://example.com/a.jpg"]},
            ["media_urls[0]: does not begin with https://: give an https URL"],
        ),
        ({"media_urls": ["HTTPS://example.com/a.jpg", "HTTP://example.com/a.jpg"]}, ["media_urls[1]: does not begin"]),
        ({"media_urls": [A] * 11}, ["media_urls: 11; Twilio takes 10: leave some out"]),
    ],
)
def test_each_medium_that_twilio_cannot_fetch_is_named(changed: dict[str, Any], told: list[str]) -> None:
    found = judged(**changed)
    assert isinstance(found, list)
    assert len(found) == len(told)
    assert all(fault.startswith(start) for fault, start in zip(found, told, strict=True)), found
    assert not any("secret" in fault for fault in found)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ([A, B], [A, B]),
        (["https://example.com/a,b.jpg"], ["https://example.com/a,b.jpg"]),
        (["https://example.com/a@2x.jpg"], ["https://example.com/a@2x.jpg"]),
        (["https://example.com/año.jpg"], ["https://example.com/a%C3%B1o.jpg"]),
        (["https://example.com/a%20b.jpg"], ["https://example.com/a%20b.jpg"]),
        (["https://cdn.example.com/w_300,h_200/https://example.com/a.jpg"],) * 2,
    ],
)
def test_media_are_sent_as_uris(asked: list[str], sent: list[str]) -> None:
    assert taken(media_urls=asked).media_urls == sent


@given(st.text(), st.dictionaries(st.text(), st.text()), st.lists(st.text()), st.sampled_from(["sms", "whatsapp"]))
def test_whatever_is_said_is_judged_in_sentences(
    body: str, variables: dict[str, str], media: list[str], channel: Any
) -> None:
    command = SendMessage(
        command_id="x", tenant="acme", to="x", body=body, media_urls=media, content_sid=CONTENT,
        content_variables=variables,
    )  # fmt: skip
    found = faults_of_content(command, channel)
    assert all(": " in fault and fault.isprintable() for fault in found)
    assert len(found) < 60


@pytest.mark.parametrize(
    ("text", "count", "encoding"),
    [
        ("hello", 1, "GSM-7"),
        ("a" * 160, 1, "GSM-7"),
        ("a" * 161, 2, "GSM-7"),
        ("€" * 80, 1, "GSM-7"),
        ("€" * 1600, 22, "GSM-7"),
        ("ж" * 70, 1, "UCS-2"),
        ("ж" * 71, 2, "UCS-2"),
        ("🎉" * 800, 25, "UCS-2"),
        ("🎉" * 801, 25, "UCS-2"),
        ("👩‍👩‍👧‍👦" * 146, 25, "UCS-2"),
        ("don’t", 1, "UCS-2"),
        ("`", 1, "UCS-2"),
        ("ç", 1, "UCS-2"),
        ("Ç", 1, "GSM-7"),
        ("\x1b", 1, "UCS-2"),
    ],
)
def test_segments_and_encoding_are_told_at_intake(text: str, count: int, encoding: str) -> None:
    command = taken(body=text)
    assert (command.segments, command.encoding) == (count, encoding)


@given(st.text(max_size=400) | st.text(alphabet="a€[ж🎉", max_size=400))
def test_the_simulator_counts_the_same_segments(text: str) -> None:
    assert segments(text).segments == segment_count(text)


@pytest.mark.parametrize(
    "changed",
    [{"to": "whatsapp:+14155550123"}, {"media_urls": [A]}, {"body": None, "content_sid": CONTENT}],
)
def test_where_no_segments_are_known_none_are_told(changed: dict[str, Any]) -> None:
    command = taken(**changed)
    assert isinstance(command, CommandAccepted)
    assert (command.segments, command.encoding) == (None, None)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"media_fallback": "link"}, "media_fallback: there are no media_urls"),
        ({"media_link": A}, "media_link: it goes in place of media"),
        (
            {"media_fallback": "link", "media_urls": [A], "media_link": "https://10.0.0.1/"},
            "media_link: names a loopback",
        ),
        (
            {"media_fallback": "link", "media_urls": [A], "media_link": "http://example.com/"},
            "media_link: does not begin",
        ),
        ({"media_fallback": "link", "media_urls": [f"{A}?{'a' * 1600}"]}, "media_fallback: the text with its link has"),
        ({"media_fallback": "link", "media_urls": [A], "send_as_mms": True}, "media_fallback: what is to go as MMS"),
    ],
)
def test_what_would_go_in_place_of_media_is_judged_as_they_are(fields: dict[str, Any], fault: str) -> None:
    found = judged(**fields)
    assert isinstance(found, list)
    assert any(one.startswith(fault) for one in found), found


def test_the_text_with_its_link() -> None:
    asked = {"body": "Look", "media_urls": [A, B], "media_fallback": "link"}
    assert taken(**asked).text_with_link == f"Look\n{A}\n{B}"
    assert taken(**asked, media_link="https://example.com/all").text_with_link == "Look\nhttps://example.com/all"
    assert taken(**asked | {"body": None}).text_with_link == f"{A}\n{B}"
