"""Which message of Twilio's list an ambiguous command's is, if it can be told."""

from typing import cast

import pytest

from services.domain.clock import later
from services.domain.messages.finding import Listed, Span, find, span, why_not
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Unknown
from tests.sender.histories import accepted, at, attempted, attempting, history

COMMAND = accepted(body="hello", to="+14155550123", from_="+14155550100", messaging_service_sid=None)
WHEN = Span(at(10), at(20))


def listed(sid: str = "SM1", **other: str) -> Listed:
    fields = {
        "direction": "outbound-api", "to": "+14155550123", "from_": "+14155550100", "service": None,
        "body": "hello", "status": "sent", "created_at": at(12), "account": "AC1", **other,
    }  # fmt: skip
    return Listed(sid=sid, **fields)  # type: ignore[arg-type]


def test_the_one_message_that_fits_is_the_commands() -> None:
    assert find(COMMAND, WHEN, [listed(), listed("SM2", body="something else")], set()) == listed()


@pytest.mark.parametrize(
    "other",
    [
        {"direction": "inbound"},
        {"direction": "outbound-reply"},
        {"to": "+14155550199"},
        {"from_": "+14155550199"},
        {"body": "hello!"},
        {"created_at": at(4)},
        {"created_at": at(26)},
    ],
)
def test_what_differs_is_another_message(other: dict[str, str]) -> None:
    assert find(COMMAND, WHEN, [listed(**other)], set()) is None


def test_another_commands_message_is_not_taken_and_of_two_neither() -> None:
    assert find(COMMAND, WHEN, [listed("SM1"), listed("SM2")], {"SM1"}) == listed("SM2")
    assert find(COMMAND, WHEN, [listed("SM1"), listed("SM2")], set()) is None
    assert find(COMMAND, WHEN, [], set()) is None


@pytest.mark.parametrize("fields", [{"content_sid": "HX" + "c" * 32}, {"media_urls": ["https://x/1.jpg"]}])
def test_what_twilio_rewrites_is_never_recognised(fields: dict[str, object]) -> None:
    assert (
        find(accepted(body="hello", to="+14155550123", from_="+14155550100", **fields), WHEN, [listed()], set()) is None
    )


def test_the_span_ends_when_the_call_must_have_ended_not_when_it_was_looked_at() -> None:
    entry, _ = history([accepted(), attempting(1, 10), attempted(1, Unknown(reason="gone"), 3000)])
    found = span(cast(Entry, entry), 5.0, 10.0)
    # The attempt's deadline is 15, and a request takes ten seconds at most.
    assert found == Span(at(10), later(at(15), 10.0))
    assert span(cast(Entry, history([accepted()])[0]), 5.0, 10.0) is None


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({}, None),
        # A person may find what no list tells: another text, a later time.
        ({"body": "", "created_at": at(300)}, None),
        ({"to": "whatsapp:+14155550123"}, None),
        ({"to": "+1415555XXXX"}, None),
        ({"account": "AC9"}, "it is of another account"),
        ({"account": ""}, "it is of another account"),
        ({"to": "+14155550199"}, "it went to somebody else"),
        ({"to": ""}, "it went to somebody else"),
        ({"direction": "inbound", "to": "+14155550123"}, "it is no message of ours, but one to us"),
        ({"created_at": at(4)}, "it was created before the command was tried"),
    ],
)
def test_a_message_that_a_person_names_is_the_commands_if_all_fits_that_can_be_looked_at(
    other: dict[str, str], why: str | None
) -> None:
    assert why_not(COMMAND, WHEN, listed(**other), {"AC1", "AC2"}, set()) == why


def test_a_message_that_there_is_not_or_that_is_anothers_is_no_commands() -> None:
    assert why_not(COMMAND, WHEN, None, {"AC1"}, set()) == "Twilio has no such message in this tenant's accounts"
    assert why_not(COMMAND, WHEN, listed(), {"AC1"}, {"SM1"}) == "it is another command's message"
