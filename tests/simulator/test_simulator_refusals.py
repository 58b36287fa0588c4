"""What Twilio refuses at a create, by the codes of its own pages, on the simulator over HTTP."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession
from twilio.base.exceptions import TwilioRestException

from services.runtime.config import Settings

from .rig import SERVICE, Rig, basic, serving

TO, FROM, CONTENT = "+14155550123", "+14155552671", "HX" + "a" * 32
WHATSAPP = {"to": f"whatsapp:{TO}", "from_": f"whatsapp:{FROM}"}


async def code_of(rig: Rig, **fields: Any) -> int | None:
    """The code with which a create is refused; None where it is taken."""
    try:
        await rig.client().messages.create_async(**{"to": TO, "from_": FROM, "body": "Hello"} | fields)
    except TwilioRestException as refused:
        return int(refused.code)
    return None


@pytest.mark.parametrize(
    ("variables", "sms", "whatsapp"),
    [
        ('{"1":"Ann","name":"x"}', None, None),
        ('{"1":"I\'m here"}', None, None),
        ('{"1":"one\\nline"}', None, None),
        ("not JSON", 21656, 21656),
        ("[]", 21656, 21656),
        ('{"1":""}', 21656, 21656),
        ('{"1":" "}', 21656, 21656),
        ('{"1":null}', 21656, 21656),
        ('{"":"x"}', 21656, 21656),
        ('{"{{1}}":"x"}', 21656, 21656),
        ('{"a b":"x"}', 21656, 21656),
        (json.dumps({"1": "x" * 1600}), None, None),
        (json.dumps({"1": "x" * 1601}), 21658, 21658),
        (json.dumps({"1": "a\tb"}), None, 21656),
        (json.dumps({"1": "a\n\nb"}), None, 21656),
        (json.dumps({"1": "a    b"}), None, None),
        (json.dumps({"1": "a     b"}), None, 63013),
    ],
)
async def test_variables(rig: Rig, variables: str, sms: int | None, whatsapp: int | None) -> None:
    template = {"content_sid": CONTENT, "content_variables": variables, "body": None}
    assert await code_of(rig, **template) == sms
    assert await code_of(rig, **template, **WHATSAPP) == whatsapp


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"content_variables": "{}"}, 21654),
        ({"content_sid": "HX1"}, 21655),
        ({"body": "🎉" * 1600}, None),
        ({"body": "🎉" * 1601}, 21617),
        ({"media_url": ["https://example.com/a.jpg"]}, None),
        ({"media_url": ["https://example.com/año.jpg"]}, None),
        ({"media_url": ["example.com/a.jpg"]}, 21620),
        ({"media_url": ["https://"]}, 21620),
        ({"media_url": ["https://example.com/my photo.jpg"]}, 21620),
        ({"media_url": ["https://example.com:99999/a.jpg"]}, 21620),
        ({"media_url": ["https://example.com/a.jpg"] * 11}, 21623),
        ({"status_callback": "http://127.0.0.1:9/x"}, None),
        ({"status_callback": "https://my_hooks.example.com"}, 21609),
        ({"status_callback": "hooks.example.com"}, 21609),
        ({"status_callback": "https://hooks.example.com/" + "x" * 4000}, 21609),
        ({"from_": None}, 21603),
        ({"from_": SERVICE}, None),
        ({"from_": SERVICE, "messaging_service_sid": SERVICE}, 21212),
        ({"messaging_service_sid": SERVICE}, None),
        ({"from_": "ACME", "messaging_service_sid": SERVICE}, None),
        ({"content_retention": "keep"}, 20001),
        ({"address_retention": "discard"}, 20001),
        ({"traffic_type": "paid"}, 20001),
        ({"message_intent": "confirm"}, 20001),
        ({"risk_check": "on"}, 20001),
        ({"shorten_urls": True}, 20001),
        ({"shorten_urls": True, "messaging_service_sid": SERVICE}, None),
    ],
)
async def test_content_urls_and_senders(rig: Rig, fields: dict[str, Any], code: int | None) -> None:
    assert await code_of(rig, **fields) == code


async def test_a_service_in_from_is_the_service(rig: Rig) -> None:
    message = await rig.client().messages.create_async(to=TO, from_=SERVICE, body="Hello")
    assert message.messaging_service_sid == SERVICE


async def test_a_sender_beside_its_service_is_the_one_that_sends(rig: Rig) -> None:
    await rig.set_service(numbers=[FROM, "+14155552672"])
    message = await rig.client().messages.create_async(
        to=TO, from_="+14155552672", messaging_service_sid=SERVICE, body="Hello"
    )
    await rig.quiet()
    fetched = await rig.client().messages(message.sid).fetch_async()
    assert (fetched.from_, fetched.messaging_service_sid) == ("+14155552672", SERVICE)
    assert await code_of(rig, from_="+14155552673", messaging_service_sid=SERVICE) == 21711


@pytest.mark.parametrize(
    ("callback", "code"),
    [
        ("https://hooks.example.com/x", None),
        ("http://127.0.0.1:9/x", 21609),
        ("https://localhost/x", 21609),
        ("https://ingress/x", 21609),
        ("https://ingress.internal/x", 21609),
        ("https://10.0.0.1/x", 21609),
        ("https://[::1]/x", 21609),
    ],
)
async def test_as_twilio_does_a_callback_must_be_reachable(settings: Settings, callback: str, code: int | None) -> None:
    strict = settings.simulator.model_copy(update={"public_callbacks": True})
    async with serving(settings.model_copy(update={"simulator": strict})) as url, ClientSession() as session:
        rig = Rig(url, session)
        assert await code_of(rig, status_callback=callback) == code
        for client in rig.clients:
            await client.close()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/Conversations", 404, 20404),
        ("GET", "/v1/LegacyContent", 404, 20404),
        ("GET", "/2010-04-01/Accounts/AC1/Calls.json", 404, 20404),
        ("GET", "/", 404, 20404),
        ("PUT", "/2010-04-01/Accounts/AC1/Messages.json", 405, 20004),
    ],
)
async def test_what_is_lacking_answers_in_twilios_error_body(
    rig: Rig, method: str, path: str, status: int, code: int
) -> None:
    async with rig.session.request(method, f"{rig.url}{path}", headers=basic()) as response:
        body = await response.json()
    assert (response.status, body["status"], body["code"]) == (status, status, code)
    assert set(body) == {"code", "message", "more_info", "status"}


async def test_what_hangs_on_a_message(rig: Rig) -> None:
    client = rig.client()
    mms = await client.messages.create_async(to=TO, from_=FROM, media_url=["https://example.com/a.jpg"] * 2)
    first, second = await client.messages(mms.sid).media.list_async()
    assert await client.messages(mms.sid).media(first.sid).delete_async()
    assert [one.sid for one in await client.messages(mms.sid).media.list_async()] == [second.sid]
    with pytest.raises(TwilioRestException, match=r"20404|not found"):
        await client.messages(mms.sid).media(first.sid).fetch_async()
    assert (await client.messages(mms.sid).feedback.create_async(outcome="unconfirmed")).outcome == "unconfirmed"
    with pytest.raises(TwilioRestException):
        await client.messages("SM" + "0" * 32).feedback.create_async(outcome="confirmed")
    assert (await client.balance.fetch_async()).account_sid == client.account_sid
