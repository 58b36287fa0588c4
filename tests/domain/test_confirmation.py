"""The answer to STOP and START by WhatsApp: once per change, from whom was written to, to whoever wrote."""

import pytest

from services.domain.consent.standing import Standing
from services.domain.messages.commands import CommandAccepted, Options
from services.domain.messages.confirmation import Texts
from services.domain.messages.consent import Suppressing
from tests.domain.suppression_oracle import (
    CONTACT,
    OTHER,
    PERSON,
    SENDER,
    SERVICE,
    WHATSAPP,
    Fact,
    at,
    history,
    linked,
    listed,
    refused,
    shared,
    stated,
    wrote,
)

TEXTS = Texts(stop="You will get no more messages.", start="Welcome back.")
SECOND = f"whatsapp:{OTHER}"


def answers(facts: list[Fact], texts: Texts | None = TEXTS, state: Standing | None = None) -> list[CommandAccepted]:
    """The commands that these facts led to."""
    fold = Suppressing({"acme": texts} if texts else {})
    return [one for one in history(fold, facts, state)[1] if isinstance(one, CommandAccepted)]


def stop(second: float = 0, sid: str = "SM1", to: str = WHATSAPP, **other: str) -> Fact:
    return wrote("STOP", second, sid, to=to, **other)


def start(second: float = 90, sid: str = "SM2", to: str = WHATSAPP, **other: str) -> Fact:
    return wrote("START", second, sid, to=to, **other)


@pytest.mark.parametrize(
    ("facts", "confirmed"),
    [
        pytest.param([stop()], ["stop"], id="a no"),
        pytest.param([stop(), start()], ["stop", "start"], id="a no and a yes"),
        pytest.param([stop(), start(), stop(95, "SM3")], ["stop", "start", "stop"], id="each change"),
        pytest.param([stop(), stop(1, "SM3")], ["stop"], id="a second no changes nothing"),
        pytest.param([stop(), stop()], ["stop"], id="a repeat changes nothing"),
        pytest.param([stop(), start(60)], ["stop"], id="a yes that releases nothing"),
        pytest.param([start()], [], id="a yes where nothing was stopped"),
        pytest.param([start(), stop(0)], [], id="a no that was already taken back"),
        pytest.param([stop(), stop(1, "SM3", SECOND)], ["stop", "stop"], id="a no to another sender"),
        pytest.param([stop(), start(90, to=SECOND)], ["stop"], id="a yes to another sender"),
        pytest.param([stop(), listed("STOP", 0, to=WHATSAPP)], ["stop"], id="the same no found later"),
        pytest.param([listed("STOP", 0, to=WHATSAPP), stop()], ["stop"], id="the same no found first"),
        pytest.param(
            [stop(), start(9), listed("STOP", 0, to=WHATSAPP), listed("START", 9, "SM2", to=WHATSAPP)],
            ["stop", "start"],
            id="a yes that releases by its date",
        ),
        pytest.param([wrote("STOP"), wrote("START", 90, "SM2")], [], id="by SMS, where Twilio answers"),
        pytest.param([stop(told="STOP")], [], id="Twilio understood it, and answered"),
        pytest.param([stop(told="STOP"), start(told="START")], [], id="both times"),
        pytest.param([stop(told="HELP")], [], id="Twilio answered something else"),
        pytest.param([stop(service=SERVICE), start(service=SERVICE)], ["stop", "start"], id="through a service"),
        pytest.param(
            [stop(service=SERVICE), wrote("START", 90, "SM2", to=SECOND, service=SERVICE)],
            ["stop", "start"],
            id="a yes within the service to another sender",
        ),
        pytest.param([stop(), wrote("SUBSCRIBE", 90, "SM2", to=WHATSAPP)], ["stop", "start"], id="a word of WhatsApp"),
        pytest.param([stop(), wrote("YES", 90, "SM2", to=WHATSAPP)], ["stop"], id="a yes that is none there"),
        pytest.param([wrote("hello", to=WHATSAPP)], [], id="any other message"),
        pytest.param([stated("opt_out"), stated("opt_in", 90, command="c2")], [], id="commands of the tenant"),
        pytest.param([refused(sender=WHATSAPP)], [], id="a refusal"),
        pytest.param([refused(sender=WHATSAPP), stop(1)], [], id="a no where a refusal had stopped it"),
        pytest.param(
            [linked([shared("opt_out", 0, f"sender:{WHATSAPP}", "SM1")])], [], id="what was confirmed elsewhere"
        ),
    ],
)
def test_a_change_is_confirmed_where_nobody_else_does(facts: list[Fact], confirmed: list[str]) -> None:
    assert [one.confirms for one in answers(facts)] == confirmed


@pytest.mark.parametrize(
    ("texts", "confirmed"),
    [
        (None, []),
        (Texts(), []),
        (Texts(stop="Bye."), [("stop", "Bye.")]),
        (Texts(start="Hi."), [("start", "Hi.")]),
        (Texts("Bye.", "Hi."), [("stop", "Bye."), ("start", "Hi.")]),
    ],
)
def test_without_a_text_there_is_no_answer(texts: Texts | None, confirmed: list[tuple[str, str]]) -> None:
    assert [(one.confirms, one.body) for one in answers([stop(), start()], texts)] == confirmed


def test_texts_of_one_tenant_are_nothing_to_another() -> None:
    assert answers([wrote("STOP", to=WHATSAPP, tenant="other")]) == []


def test_an_answer_goes_back_the_way_it_came_and_soon() -> None:
    [answer] = answers([stop(service=SERVICE)])
    assert answer == CommandAccepted(
        event_id=answer.event_id,
        tenant="acme",
        command_id=f"confirm-{answer.event_id}",
        contact=CONTACT,
        accepted_at=at(0),
        sequence=-1,
        not_after=at(300),
        fingerprint=answer.event_id,
        channel="whatsapp",
        country=None,
        to=f"whatsapp:{PERSON}",
        from_=WHATSAPP,
        messaging_service_sid=None,
        body=TEXTS.stop,
        media_urls=[],
        content_sid=None,
        content_variables={},
        urgent=True,
        options=Options(),
        confirms="stop",
    )


def test_what_was_said_long_ago_is_not_answered_any_more() -> None:
    [answer] = answers([listed("STOP", 10, found=9_000, to=WHATSAPP)])
    assert (answer.accepted_at, answer.not_after) == (at(9_000), at(310))


def test_the_same_change_has_the_same_answer() -> None:
    facts = [stop(), start(), stop(95, "SM3")]
    once, again = answers(facts), answers(facts)
    assert once == again
    assert len({one.command_id for one in once}) == 3
    assert answers([stop(contact="acme|decaf")])[0].contact == "acme|decaf"


def test_a_number_by_sms_is_not_answered_for_its_whatsapp() -> None:
    assert answers([wrote("STOP", to=SENDER), stop(1, "SM3")])[0].from_ == WHATSAPP
