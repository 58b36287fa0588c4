"""What the simulator posts: signatures, retries and overrides, inbound messages and their replies."""

import pytest
from aiohttp import ClientSession, web
from multidict import MultiDict
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from services.runtime.config import Settings
from services.runtime.tenants.settings import TenantSettings

from .rig import ACCOUNT, SECOND_TOKEN, SERVICE, SUB_TOKEN, SUBACCOUNT, TOKEN, Endpoint, Received, Rig, serving

TO, FROM = "+14155550123", "+14155552671"


def signed(got: Received, url: str, token: str) -> bool:
    """Whether Twilio's own validator takes the request for one signed by this token."""
    return RequestValidator(token).validate(url, MultiDict(got.form), got.headers["X-Twilio-Signature"])


async def send(rig: Rig, callback: str, to: str = TO, from_: str = FROM) -> str:
    client = rig.client()
    return (await client.messages.create_async(to=to, from_=from_, body="Hé 👋", status_callback=callback)).sid


async def test_each_step_is_called_back_in_order_and_signed_over_the_exact_url(rig: Rig, endpoint: Endpoint) -> None:
    url = f"{endpoint.url}/status/a%2Fb?command=x%20y&empty=&plus=a+b"
    sid = await send(rig, url)
    await rig.quiet()
    assert endpoint.statuses(sid) == ["queued", "sending", "sent", "delivered"]
    for got in endpoint.received:
        assert endpoint.url + got.path == url
        assert signed(got, url, TOKEN)
        assert not signed(got, url, SECOND_TOKEN)
        assert (got["To"], got["From"], got["AccountSid"], got["SmsSid"]) == (TO, FROM, ACCOUNT, sid)
        assert (got["SmsStatus"], got["ApiVersion"]) == (got["MessageStatus"], "2010-04-01")
    assert len({got.headers["I-Twilio-Idempotency-Token"] for got in endpoint.received}) == 4


async def test_whatsapp_callbacks_name_their_channel(rig: Rig, endpoint: Endpoint) -> None:
    sid = await send(rig, endpoint.url, to=f"whatsapp:{TO}", from_=f"whatsapp:{FROM}")
    await rig.quiet()
    assert endpoint.statuses(sid)[-2:] == ["delivered", "read"]
    last = endpoint.received[-1]
    assert (last["ChannelPrefix"], last["ChannelToAddress"], last["EventType"]) == ("whatsapp", TO, "READ")


async def test_a_service_is_named_and_its_sender_only_once_assigned(rig: Rig, endpoint: Endpoint) -> None:
    client = rig.client()
    await client.messages.create_async(to=TO, messaging_service_sid=SERVICE, body="x", status_callback=endpoint.url)
    await rig.quiet()
    first, second = endpoint.received[:2]
    assert (first["MessageStatus"], second["MessageStatus"]) == ("accepted", "queued")
    assert "From" not in dict(first.form)
    assert (second["From"], second["MessagingServiceSid"]) == ("+15005550006", SERVICE)


RETRIES = {
    "no overrides: 5xx is final": ("", 503, 1),
    "5xx asked for": ("#rc=2&rp=5xx", 503, 3),
    "all asked for": ("#rc=3&rp=all", 404, 4),
    "4xx asked for": ("#rc=1&rp=4xx", 404, 2),
    "another policy": ("#rc=3&rp=4xx,rt", 503, 1),
    "no retries": ("#rc=0&rp=all", 503, 1),
    "count out of range, so one": ("#rc=9&rp=all", 503, 2),
}


@pytest.mark.parametrize("case", RETRIES)
async def test_the_fragment_rules_retries_and_is_neither_sent_nor_signed(
    rig: Rig, endpoint: Endpoint, case: str
) -> None:
    fragment, status, attempts = RETRIES[case]
    endpoint.answers = [web.Response(status=status) for _ in range(attempts)]
    await send(rig, f"{endpoint.url}/status?a=1{fragment}")
    await rig.quiet()
    first = (await rig.get("callbacks"))["callbacks"][0]
    assert (first["attempts"], first["http_status"]) == (attempts, status)
    tries = endpoint.received[:attempts]
    assert len({got.headers["I-Twilio-Idempotency-Token"] for got in tries}) == 1
    assert all(got.path == "/status?a=1" and signed(got, f"{endpoint.url}/status?a=1", TOKEN) for got in tries)


async def test_a_retry_that_succeeds_ends_the_retries(rig: Rig, endpoint: Endpoint) -> None:
    endpoint.answers = [web.Response(status=500)]
    await send(rig, f"{endpoint.url}#rc=5&rp=5xx")
    await rig.quiet()
    first = (await rig.get("callbacks"))["callbacks"][0]
    assert (first["attempts"], first["http_status"]) == (2, 204)


async def test_a_slow_answer_is_a_read_timeout_and_retried_when_asked(rig: Rig, endpoint: Endpoint) -> None:
    endpoint.answers = [3.0]
    await send(rig, f"{endpoint.url}#rc=1&rp=rt&rt=150")
    await rig.quiet()
    first = (await rig.get("callbacks"))["callbacks"][0]
    assert (first["attempts"], first["http_status"]) == (2, 204)


async def test_the_total_time_bounds_all_attempts(rig: Rig, endpoint: Endpoint) -> None:
    endpoint.answers = [3.0, 3.0, 3.0]
    await send(rig, f"{endpoint.url}#rc=5&rp=all&tt=150")
    await rig.quiet()
    first = (await rig.get("callbacks"))["callbacks"][0]
    assert (first["attempts"], first["http_status"]) == (1, None)


async def test_nobody_listening_is_tried_twice(rig: Rig) -> None:
    await send(rig, "http://127.0.0.1:1/status")
    await rig.quiet()
    first = (await rig.get("callbacks"))["callbacks"][0]
    assert (first["attempts"], first["http_status"], first["lost"]) == (2, None, False)
    assert "ClientConnectorError" in first["error"]


async def test_an_inbound_message_is_posted_signed_and_its_answer_told(rig: Rig, endpoint: Endpoint) -> None:
    person = {
        "account_sid": ACCOUNT,
        "from": TO,
        "to": FROM,
        "body": "Hello + ünïcode 👋",
        "params": {"AddOns": ""},
    }
    status, answer = await rig.send("POST", "inbound", {**person, "media": ["https://cdn.example.com/a.jpg"]})
    [got] = endpoint.received
    assert (status, answer["status"], answer["body"]) == (200, 204, "")
    assert got.path == "/twilio/acme/messages"
    assert signed(got, endpoint.url + got.path, TOKEN)
    assert answer["sid"] == got["MessageSid"] == got["SmsMessageSid"] == got["SmsSid"]
    assert (got["From"], got["To"], got["Body"]) == (TO, FROM, "Hello + ünïcode 👋")
    assert (got["NumMedia"], got["MediaUrl0"], got["MediaContentType0"]) == (
        "1",
        "https://cdn.example.com/a.jpg",
        "image/jpeg",
    )
    assert (got["SmsStatus"], got["AddOns"], got["FromCity"]) == ("received", "", "")
    assert (await rig.client().messages(answer["sid"]).fetch_async()).direction == "inbound"


async def test_a_subaccount_signs_with_its_own_token(rig: Rig, endpoint: Endpoint) -> None:
    await rig.send("POST", "inbound", {"account_sid": SUBACCOUNT, "from": TO, "to": FROM, "body": "Hi"})
    [got] = endpoint.received
    assert signed(got, endpoint.url + got.path, SUB_TOKEN)


async def test_an_inbound_whatsapp_message_has_a_profile(rig: Rig, endpoint: Endpoint) -> None:
    person = {"account_sid": ACCOUNT, "from": f"whatsapp:{TO}", "to": f"whatsapp:{FROM}", "body": "Hi"}
    await rig.send("POST", "inbound", {**person, "params": {"ProfileName": "Grace"}})
    [got] = endpoint.received
    assert (got["ProfileName"], got["WaId"]) == ("Grace", TO.removeprefix("+"))


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, 400),
        ({"account_sid": ACCOUNT, "from": TO, "to": FROM, "colour": "red"}, 400),
        ({"account_sid": "AC" + "0" * 32, "from": TO, "to": FROM}, 404),
    ],
)
async def test_an_inbound_request_that_cannot_be_played(rig: Rig, body: dict[str, str], answer: int) -> None:
    status, told = await rig.send("POST", "inbound", body)
    assert status == answer
    assert told["errors"]


REPLIES = {
    "text": ("text/xml", "<Response><Message>Thanks</Message></Response>", ["Thanks"]),
    "body and media": (
        "application/xml",
        "<Response><Message><Body>Look</Body><Media>https://cdn.example.com/a.png</Media></Message></Response>",
        ["Look"],
    ),
    "two": ("text/xml", "<Response><Message>One</Message><Message>Two</Message></Response>", ["One", "Two"]),
    "none": ("text/xml", "<Response/>", []),
    "plain": ("text/plain", "Just text", ["Just text"]),
    "not XML": ("text/xml", "<Response>", []),
    "entity bomb": (
        "text/xml",
        '<!DOCTYPE r [<!ENTITY a "'
        + "a" * 100
        + '">'
        + "".join(f'<!ENTITY {new} "{f"&{old};" * 100}">' for old, new in ("ab", "bc", "cd", "de", "ef"))
        + "]><Response><Message>&f;</Message></Response>",
        [],
    ),
}


@pytest.mark.parametrize("case", REPLIES)
async def test_the_answer_to_an_inbound_message_is_sent(rig: Rig, endpoint: Endpoint, case: str) -> None:
    content_type, text, bodies = REPLIES[case]
    endpoint.answers = [web.Response(text=text, content_type=content_type)]
    _, answer = await rig.send("POST", "inbound", {"account_sid": ACCOUNT, "from": TO, "to": FROM, "body": "Hi"})
    await rig.quiet()
    sent = [await rig.client().messages(sid).fetch_async() for sid in answer["replies"]]
    assert [message.body for message in sent] == bodies
    assert all(
        (one.to, one.from_, one.direction, one.status) == (TO, FROM, "outbound-reply", "delivered") for one in sent
    )
    assert bool(answer["refused"]) == (case in ("not XML", "entity bomb"))


async def test_stop_blocks_this_sender_until_start(rig: Rig) -> None:
    async def say(word: str) -> None:
        await rig.send("POST", "inbound", {"account_sid": ACCOUNT, "from": TO, "to": FROM, "body": word})

    client = rig.client()
    await say(" stop ")
    with pytest.raises(TwilioRestException) as refused:
        await client.messages.create_async(to=TO, from_=FROM, body="Offer")
    assert refused.value.code == 21610
    assert (await client.messages.create_async(to=TO, from_="+14155552672", body="From another")).sid
    await say("START")
    assert (await client.messages.create_async(to=TO, from_=FROM, body="Welcome back")).sid


async def test_overrides_in_the_webhook_setting_hold_for_inbound(settings: Settings, endpoint: Endpoint) -> None:
    simulator = settings.simulator.model_copy(update={"webhook_url": f"{endpoint.url}/base/#rc=2&rp=5xx"})
    endpoint.answers = [web.Response(status=503), web.Response(status=503)]
    async with serving(settings.model_copy(update={"simulator": simulator})) as url, ClientSession() as session:
        _, answer = await Rig(url, session).send("POST", "inbound", {"account_sid": ACCOUNT, "from": TO, "to": FROM})
    assert (answer["status"], answer["attempts"]) == (204, 3)
    assert {got.path for got in endpoint.received} == {"/base/twilio/acme/messages"}


async def test_two_tenants_of_one_account_are_one_account_and_may_share_a_url(
    settings: Settings, tenant: TenantSettings, endpoint: Endpoint
) -> None:
    simulator = settings.simulator.model_copy(update={"shared_url": True})
    senders = (FROM, "+14155550300")
    east, west = (tenant.model_copy(update={"allowed_senders": [sender]}) for sender in senders)
    changed = settings.model_copy(update={"simulator": simulator, "tenants": {"east": east, "west": west}})
    async with serving(changed) as url, ClientSession() as session:
        rig = Rig(url, session)
        for sender in senders:
            assert (await rig.client().messages.create_async(to=TO, from_=sender, body="Hello")).sid
        _, answer = await rig.send("POST", "inbound", {"account_sid": ACCOUNT, "from": TO, "to": senders[1]})
        for client in rig.clients:
            await client.close()
    assert answer["status"] == 204
    assert {got.path for got in endpoint.received} == {"/twilio/messages"}
