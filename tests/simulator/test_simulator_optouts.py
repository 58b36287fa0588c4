"""STOP, START and HELP: what Twilio blocks, answers itself, and tells."""

from typing import Any

import pytest
from aiohttp import web

from .rig import SERVICE, Endpoint, Rig

PERSON, OTHER, NUMBER, SECOND = "+14155550123", "+14155550124", "+14155552671", "+14155552672"
OTHER_SERVICE = "MG" + "e" * 32
WHATSAPP = {"person": f"whatsapp:{PERSON}", "ours": f"whatsapp:{NUMBER}"}


def fields(endpoint: Endpoint) -> dict[str, str]:
    """The last webhook's form."""
    return dict(endpoint.received[-1].form)


@pytest.mark.parametrize(
    "word", ["STOP", "stopall", " Unsubscribe ", "cancel.", "End!", '"quit"', "ReVoKe", "Opt-out", "stop all", "ARRET"]
)
async def test_a_stop_word_blocks_the_number_for_this_person_alone(rig: Rig, word: str) -> None:
    await rig.hear(PERSON, NUMBER, word)
    assert not await rig.reaches(PERSON, from_=NUMBER)
    assert await rig.reaches(PERSON, from_=SECOND)
    assert await rig.reaches(OTHER, from_=NUMBER)


@pytest.mark.parametrize("text", ["please stop", "STOP it", "non-stop", "", "!"])
async def test_a_sentence_with_the_word_in_it_blocks_nothing(rig: Rig, text: str) -> None:
    answer = await rig.hear(PERSON, NUMBER, text)
    assert answer["opt_out_reply"] is None
    assert await rig.reaches(PERSON, from_=NUMBER)


@pytest.mark.parametrize("word", ["START", "yes", "Unstop."])
async def test_a_start_word_releases(rig: Rig, word: str) -> None:
    await rig.hear(PERSON, NUMBER, "STOP")
    await rig.hear(PERSON, NUMBER, word)
    assert await rig.reaches(PERSON, from_=NUMBER)


async def test_the_network_keeps_a_block_of_toll_free_numbers_that_yes_does_not_lift(rig: Rig) -> None:
    ours = "+18885550100"
    await rig.hear(PERSON, ours, "STOP")
    for word in ("YES", "unsubscribe", "start please"):
        await rig.hear(PERSON, ours, word)
        assert not await rig.reaches(PERSON, from_=ours)
    await rig.hear(PERSON, ours, "UNSTOP")
    assert await rig.reaches(PERSON, from_=ours)
    # What only Twilio heard is Twilio's to release.
    await rig.hear(PERSON, ours, "CANCEL")
    assert not await rig.reaches(PERSON, from_=ours)
    await rig.hear(PERSON, ours, "YES")
    assert await rig.reaches(PERSON, from_=ours)


async def test_the_network_knows_no_service(rig: Rig) -> None:
    ours = "+18885550100"
    await rig.hear(PERSON, ours, "STOP", messaging_service_sid=SERVICE)
    await rig.hear(PERSON, NUMBER, "YES", messaging_service_sid=SERVICE)
    assert await rig.reaches(PERSON, from_=NUMBER, messaging_service_sid=SERVICE)
    assert not await rig.reaches(PERSON, from_=ours, messaging_service_sid=SERVICE)


async def test_the_whole_service_is_blocked_when_it_is_the_one_written_to(rig: Rig) -> None:
    await rig.hear(PERSON, NUMBER, "STOP", messaging_service_sid=SERVICE)
    assert not await rig.reaches(PERSON, messaging_service_sid=SERVICE)
    assert not await rig.reaches(PERSON, from_=NUMBER)
    assert not await rig.reaches(PERSON, from_=SECOND, messaging_service_sid=SERVICE)
    assert await rig.reaches(PERSON, messaging_service_sid=OTHER_SERVICE)
    await rig.hear(PERSON, NUMBER, "START", messaging_service_sid=SERVICE)
    assert await rig.reaches(PERSON, messaging_service_sid=SERVICE)


async def test_a_number_belongs_to_the_service_that_sent_from_it(rig: Rig, endpoint: Endpoint) -> None:
    assert await rig.reaches(PERSON, messaging_service_sid=SERVICE)
    await rig.quiet()
    [sent] = await rig.client().messages.list_async(to=PERSON)
    await rig.hear(PERSON, sent.from_, "STOP")
    assert fields(endpoint)["MessagingServiceSid"] == SERVICE
    assert not await rig.reaches(PERSON, messaging_service_sid=SERVICE)
    assert not await rig.reaches(PERSON, from_=SECOND, messaging_service_sid=SERVICE)


async def test_of_services_that_share_a_number_the_one_that_wrote_to_this_person_is_meant(rig: Rig) -> None:
    assert await rig.reaches(PERSON, from_=NUMBER, messaging_service_sid=SERVICE)
    assert await rig.reaches(OTHER, from_=NUMBER, messaging_service_sid=OTHER_SERVICE)
    await rig.hear(PERSON, NUMBER, "STOP")
    assert not await rig.reaches(PERSON, messaging_service_sid=SERVICE)
    assert await rig.reaches(PERSON, from_=SECOND, messaging_service_sid=OTHER_SERVICE)


async def test_a_service_has_the_numbers_that_it_was_given(rig: Rig) -> None:
    await rig.set_service(numbers=[NUMBER, f"whatsapp:{SECOND}"])
    for to, sender in ((PERSON, NUMBER), (f"whatsapp:{PERSON}", f"whatsapp:{SECOND}")):
        created = await rig.client().messages.create_async(to=to, messaging_service_sid=SERVICE, body="Hello")
        await rig.quiet()
        assert (await rig.client().messages(created.sid).fetch_async()).from_ == sender
    await rig.hear(PERSON, NUMBER, "STOP")
    assert not await rig.reaches(PERSON, messaging_service_sid=SERVICE)
    await rig.set_service(OTHER_SERVICE, numbers=[NUMBER])
    assert (await rig.get(f"services/{SERVICE}"))["numbers"] == [f"whatsapp:{SECOND}"]


async def test_twilio_answers_itself_once_for_each_transition(rig: Rig) -> None:
    said = ["START", "STOP", "STOP", "cancel", "START", "YES", "STOP"]
    answers = [await rig.hear(PERSON, NUMBER, word) for word in said]
    assert [bool(answer["opt_out_reply"]) for answer in answers] == [False, True, False, False, True, False, True]
    await rig.quiet()
    replies = await rig.records("opt_out_reply")
    assert [one["sid"] for one in replies] == [answer["opt_out_reply"] for answer in answers if answer["opt_out_reply"]]
    listed = await rig.client().messages.list_async(to=PERSON, from_=NUMBER)
    assert [one.sid for one in reversed(listed)] == [one["sid"] for one in replies]
    assert all((one.direction, one.status) == ("outbound-reply", "delivered") for one in listed)
    assert ["unsubscribed" in one.body for one in reversed(listed)] == [True, False, True]


async def test_help_is_answered_every_time_and_changes_nothing(rig: Rig) -> None:
    for _ in range(2):
        await rig.hear(PERSON, NUMBER, "Help")
    bodies = [one["resource"]["body"] for one in await rig.records("opt_out_reply")]
    assert bodies == ["Reply STOP to unsubscribe. Msg&Data Rates May Apply."] * 2
    assert await rig.reaches(PERSON, from_=NUMBER)


async def test_an_answer_to_stop_from_the_endpoint_is_refused(rig: Rig, endpoint: Endpoint) -> None:
    endpoint.answers = [web.Response(text="<Response><Message>Bye</Message></Response>", content_type="text/xml")]
    answer = await rig.hear(PERSON, NUMBER, "STOP")
    assert answer["replies"] == []
    assert answer["refused"] == ["21610 Attempt to send to unsubscribed recipient"]


async def test_a_message_told_again_changes_nothing_again(rig: Rig) -> None:
    first = await rig.hear(PERSON, NUMBER, "STOP")
    await rig.hear(PERSON, NUMBER, "START")
    again = await rig.hear(PERSON, NUMBER, "STOP", params={"MessageSid": first["sid"]})
    assert (again["sid"], again["opt_out_reply"]) == (first["sid"], None)
    assert await rig.reaches(PERSON, from_=NUMBER)


@pytest.mark.parametrize("word", ["STOP", "START", "HELP"])
async def test_whatsapp_has_no_opt_out_of_its_own(rig: Rig, endpoint: Endpoint, word: str) -> None:
    await rig.set_service(numbers=[WHATSAPP["ours"]])
    await rig.hear(**WHATSAPP, body=word)
    assert "OptOutType" not in fields(endpoint)
    assert await rig.records("opt_out_reply") == []
    assert await rig.reaches(WHATSAPP["person"], from_=WHATSAPP["ours"])


async def test_without_advanced_opt_out_nothing_is_told_and_own_words_count_nothing(
    rig: Rig, endpoint: Endpoint
) -> None:
    await rig.set_service(numbers=[NUMBER], stop_words=["BASTA"])
    await rig.hear(PERSON, NUMBER, "STOP")
    assert (fields(endpoint)["MessagingServiceSid"], "OptOutType" in fields(endpoint)) == (SERVICE, False)
    await rig.hear(OTHER, NUMBER, "BASTA")
    assert await rig.reaches(OTHER, from_=NUMBER)


ADVANCED: dict[str, Any] = {
    "advanced_opt_out": True,
    "stop_words": ["ARRÊT", "बंद करो", "停止"],
    "start_words": ["DÉBUT", "Yes please"],
    "help_words": ["AIDE"],
    "numbers": [NUMBER, WHATSAPP["ours"]],
}
TOLD = {
    "standard": ("Stop", "STOP"),
    "French": ("arrêt!", "STOP"),
    "decomposed": ("ARRE\u0302T", "STOP"),
    "Hindi": ("बंद करो।", "STOP"),
    "Chinese": ("停止", "STOP"),
    "its START": ("yes, please", "START"),
    "standard START": ("START", "START"),
    "its HELP": ("aide ?", "HELP"),
    "nothing": ("Hello", None),
}


@pytest.mark.parametrize("channel", ["", "whatsapp:"])
@pytest.mark.parametrize("case", TOLD)
async def test_advanced_opt_out_tells_what_it_understood(rig: Rig, endpoint: Endpoint, case: str, channel: str) -> None:
    body, told = TOLD[case]
    await rig.set_service(**ADVANCED)
    await rig.hear(channel + PERSON, channel + NUMBER, body)
    assert fields(endpoint)["MessagingServiceSid"] == SERVICE
    assert fields(endpoint).get("OptOutType") == told
    assert await rig.reaches(channel + PERSON, messaging_service_sid=SERVICE) == (told != "STOP")


async def test_advanced_opt_out_answers_on_whatsapp_too(rig: Rig) -> None:
    await rig.set_service(**ADVANCED)
    for word in ("STOP", "arrêt", "début", "aide"):
        await rig.hear(**WHATSAPP, body=word)
    replies = [one["resource"] for one in await rig.records("opt_out_reply")]
    assert len(replies) == 3
    assert {(one["from"], one["to"]) for one in replies} == {(WHATSAPP["ours"], WHATSAPP["person"])}
    assert await rig.reaches(WHATSAPP["person"], from_=WHATSAPP["ours"])


async def test_a_service_is_told_as_set_and_forgotten_at_a_reset(rig: Rig) -> None:
    await rig.set_service(**ADVANCED)
    assert await rig.get(f"services/{SERVICE}") == {"sid": SERVICE, **ADVANCED}
    await rig.hear(PERSON, NUMBER, "STOP")
    await rig.send("POST", "reset", {})
    assert await rig.reaches(PERSON, messaging_service_sid=SERVICE)
    assert (await rig.get(f"services/{SERVICE}"))["advanced_opt_out"] is False


@pytest.mark.parametrize(("sid", "body"), [("MG1", {}), (SERVICE, {"colour": "red"}), (SERVICE, {"numbers": NUMBER})])
async def test_a_service_that_cannot_be_set(rig: Rig, sid: str, body: dict[str, str]) -> None:
    status, told = await rig.send("PUT", f"services/{sid}", body)
    assert status == 400
    assert told["errors"]
