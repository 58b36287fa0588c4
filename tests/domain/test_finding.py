"""Which message of Twilio's list an ambiguous command's is, if it can be told."""

from collections.abc import Iterable
from typing import Any, cast

import pytest

from services.domain.clock import later
from services.domain.messages.commands import CommandAccepted, NamedTemplate, Options
from services.domain.messages.finding import Known, Listed, Span, find, meet, span, why_not
from services.domain.messages.introduced import Texts
from services.domain.messages.posted import posted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Unknown
from services.domain.templates.events import TemplateStated
from tests.sender.histories import accepted, at, attempted, attempting, history

COMMAND = accepted(body="hello", to="+14155550123", from_="+14155550100", messaging_service_sid=None)
PHOTO = "https://cdn.example.com/photo.jpg"
NOTHING = Known(())
STOP_TEXT, HELP_TEXT = "Reply STOP to opt out.", "Reply HELP for help."
WHEN = Span(at(10), at(20))


def listed(sid: str = "SM1", **other: Any) -> Listed:
    fields = {
        "direction": "outbound-api", "to": "+14155550123", "from_": "+14155550100", "service": None,
        "body": "hello", "status": "sent", "created_at": at(12), "account": "AC1", **other,
    }  # fmt: skip
    return Listed(sid=sid, **fields)


def found(
    command: CommandAccepted, *messages: Listed, known: Known = NOTHING, templates: Iterable[TemplateStated] = ()
) -> str | None:
    """The sid of the message that is taken for the command's."""
    one = find(command, posted(command, templates, Texts(STOP_TEXT, HELP_TEXT)), WHEN, messages, known)
    return one.sid if one else None


def command(**fields: Any) -> CommandAccepted:
    return accepted(**{"body": None, "to": "+14155550123", "from_": "+14155550100", **fields})


def template(body: str | None, language: str = "en") -> TemplateStated:
    return TemplateStated(
        event_id="",
        tenant="acme",
        content_sid="HX" + language * 16,
        at=at(0),
        name="shipped",
        language=language,
        state="approved",
        types=["twilio/text"],
        placeholders={},
        body=body,
    )


def test_the_one_message_that_fits_is_the_commands() -> None:
    assert found(COMMAND, listed(), listed("SM2", body="something else")) == "SM1"


@pytest.mark.parametrize(
    "other",
    [
        {"direction": "inbound"},
        {"direction": "outbound-reply"},
        {"to": "+14155550199"},
        {"from_": "+14155550199"},
        {"body": "hello!"},
        {"num_media": 1},
        {"created_at": at(4)},
        {"created_at": at(26)},
    ],
)
def test_what_differs_is_another_message(other: dict[str, Any]) -> None:
    assert found(COMMAND, listed(**other)) is None


def test_another_commands_message_is_not_taken_and_of_two_neither() -> None:
    assert found(COMMAND, listed("SM1"), listed("SM2"), known=Known({"SM1"})) == "SM2"
    assert found(COMMAND, listed("SM1"), listed("SM2")) is None
    assert found(COMMAND) is None


def test_a_text_as_twilio_encodes_it_and_with_what_is_put_to_a_first_message_is_the_same() -> None:
    quoted = command(body="\u201chello\u201d")
    assert found(quoted, listed(body='"hello"')) == "SM1"
    assert found(COMMAND, listed(body=f"hello\n{STOP_TEXT}")) == "SM1"
    assert found(COMMAND, listed(body=f"hello\n{STOP_TEXT} {HELP_TEXT}")) == "SM1"
    assert found(command(body="STOP ends it"), listed(body=f"STOP ends it\n{HELP_TEXT}")) == "SM1"
    assert found(COMMAND, listed(body="hello\nand more")) is None
    assert found(COMMAND, listed(body=f"hello\n{HELP_TEXT}")) == "SM1"


def test_a_text_with_media_is_told_by_both() -> None:
    """Their URLs at Twilio are Twilio's own: their number is compared."""
    look = command(body="look", media_urls=[PHOTO, PHOTO])
    assert found(look, listed(body="look", num_media=2), listed("SM2", body="", num_media=2)) == "SM1"
    assert found(look, listed(body="look", num_media=1)) is None
    assert found(look, listed(body="look")) is None
    assert found(look, listed(num_media=2)) is None


def test_media_alone_are_told_where_there_is_nothing_else() -> None:
    photo = command(media_urls=[PHOTO])
    one = listed(body="", num_media=1)
    assert found(photo, one) == "SM1"
    # Whose picture it is nobody could tell.
    assert found(photo, one, listed("SM2", body="another's")) is None
    assert found(photo, one, listed("SM2", body="another's"), known=Known({"SM2"})) == "SM1"
    assert found(photo, one, known=Known((), whole=False)) is None
    assert found(photo, listed(body="", num_media=2)) is None


def test_media_that_went_as_a_link_are_a_text() -> None:
    look = command(body="look", media_urls=[PHOTO], media_fallback="link")
    assert found(look, listed(body=f"look\n{PHOTO}")) == "SM1"
    assert found(look, listed(body="look", num_media=1)) == "SM1"
    # Both cannot be its own.
    assert found(look, listed(body=f"look\n{PHOTO}"), listed("SM2", body="look", num_media=1)) is None
    assert found(command(body="look", media_urls=[PHOTO]), listed(body=f"look\n{PHOTO}")) is None


def test_a_text_that_goes_as_a_medium_may_be_shown_as_one() -> None:
    long = command(body="hello", options=Options(send_as_mms=True), channel="mms")
    assert found(long, listed(num_media=1)) == found(long, listed()) == "SM1"


def test_a_templates_text_tells_it_in_whichever_of_its_languages() -> None:
    shipped = command(template=NamedTemplate(name="shipped"), content_variables={"1": "Ana"})
    known = [template("{{1}}, it is on its way."), template("{{1}}, ya va.", "es"), template("{{2}} and {{1}}", "fr")]
    assert found(shipped, listed(body="Ana, ya va."), listed("SM2"), templates=known) == "SM1"
    # A header's picture is no part of what is compared.
    assert found(shipped, listed(body="Ana, ya va.", num_media=1), templates=known) == "SM1"
    assert found(shipped, listed(body="Bob, ya va."), templates=known) is None
    # Its variable is left to the sample, which nobody knows here.
    assert found(shipped, listed(body=" and Ana"), templates=known) is None
    assert found(shipped, listed(body="Ana, ya va.")) is None


def test_a_template_of_which_twilio_shows_no_text_is_told_where_there_is_nothing_else() -> None:
    shipped = command(content_sid="HX" + "c" * 32, from_=None, messaging_service_sid="MG1")
    one = listed(body="", service="MG1")
    assert found(shipped, one) == "SM1"
    assert found(shipped, one, listed("SM2", service="MG1")) is None
    assert found(shipped, one, known=Known((), whole=False)) is None
    assert found(shipped, listed(body="", service="MG1", num_media=1)) is None


def test_a_text_beside_a_template_may_have_gone_in_its_place() -> None:
    either = command(content_sid="HX" + "c" * 32, body="hello")
    assert found(either, listed()) == found(either, listed(body="")) == "SM1"
    assert found(either, listed(), listed("SM2", body="")) is None


def test_the_span_ends_when_the_call_must_have_ended_not_when_it_was_looked_at() -> None:
    entry, _ = history([accepted(), attempting(1, 10), attempted(1, Unknown(reason="gone"), 3000)])
    found = span(cast(Entry, entry), 5.0, 10.0)
    # The attempt's deadline is 15, and a request takes ten seconds at most.
    assert found == Span(at(10), later(at(15), 10.0))
    assert span(cast(Entry, history([accepted()])[0]), 5.0, 10.0) is None


def test_another_call_without_a_known_end_matters_only_where_their_times_meet() -> None:
    under_way, _ = history([accepted(), attempting(1, 40)])
    other = span(cast(Entry, under_way), 5.0, 10.0)
    assert other == Span(at(40), at(55))
    assert not meet(Span(at(10), at(20)), other)
    assert not meet(other, Span(at(10), at(20)))
    # Twilio's clock is another.
    assert meet(Span(at(10), at(31)), other)
    assert meet(other, Span(at(64), at(70)))
    assert meet(other, Span(at(0), at(90)))


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
