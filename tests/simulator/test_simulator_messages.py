"""The Messages resource, through Twilio's own client."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest
from aiohttp import ClientSession
from multidict import MultiDict
from twilio.base.exceptions import TwilioRestException

from services.runtime.config import Settings
from services.runtime.http import PortTaken
from services.simulator import listing
from services.simulator.message import Message

from .rig import (
    ACCOUNT,
    API_KEY,
    API_SECRET,
    SECOND_TOKEN,
    SERVICE,
    SUB_TOKEN,
    SUBACCOUNT,
    TOKEN,
    Endpoint,
    Rig,
    basic,
    serving,
)

TO, FROM = "+14155550123", "+14155552671"


async def test_a_message_is_created_lives_and_can_be_fetched(rig: Rig) -> None:
    client = rig.client()
    created = await client.messages.create_async(to=TO, from_=FROM, body="Hello")
    assert (created.status, created.direction, created.price, created.date_sent) == (
        "queued",
        "outbound-api",
        None,
        None,
    )
    assert created.sid.startswith("SM")
    assert datetime.now(UTC) - created.date_created < timedelta(minutes=1)
    await rig.quiet()
    fetched = await client.messages(created.sid).fetch_async()
    assert (fetched.status, fetched.price, fetched.price_unit) == ("delivered", "-0.00750", "USD")
    assert (fetched.to, fetched.from_, fetched.body, fetched.num_segments) == (TO, FROM, "Hello", "1")
    assert fetched.date_sent is not None


async def test_a_whatsapp_message_ends_read(rig: Rig) -> None:
    created = await rig.client().messages.create_async(to=f"whatsapp:{TO}", from_=f"whatsapp:{FROM}", body="Hello")
    await rig.quiet()
    [record] = (await rig.get("messages"))["messages"]
    assert record["sid"] == created.sid
    assert [step["status"] for step in record["statuses"]] == [
        "queued",
        "sending",
        "sent",
        "delivered",
        "read",
    ]


async def test_a_service_assigns_its_sender_after_accepting(rig: Rig) -> None:
    created = await rig.client().messages.create_async(to=TO, messaging_service_sid=SERVICE, body="Hello")
    assert (created.status, created.from_, created.num_segments) == ("accepted", None, "0")
    await rig.quiet()
    fetched = await rig.client().messages(created.sid).fetch_async()
    assert (fetched.status, fetched.from_, fetched.messaging_service_sid) == (
        "delivered",
        "+15005550006",
        SERVICE,
    )


async def test_media_make_an_mms(rig: Rig) -> None:
    media = ["https://cdn.example.com/a.png", "https://cdn.example.com/b.png"]
    created = await rig.client().messages.create_async(to=TO, from_=FROM, media_url=media)
    assert (created.sid[:2], created.num_media) == ("MM", "2")
    [record] = (await rig.get("messages"))["messages"]
    assert record["params"]["MediaUrl"] == media


@pytest.mark.parametrize(
    ("user", "password", "account"),
    [
        (ACCOUNT, TOKEN, ACCOUNT),
        (ACCOUNT, SECOND_TOKEN, ACCOUNT),
        (API_KEY, API_SECRET, ACCOUNT),
        (SUBACCOUNT, SUB_TOKEN, SUBACCOUNT),
        (ACCOUNT, TOKEN, SUBACCOUNT),
    ],
)
async def test_credentials_that_open_an_account(rig: Rig, user: str, password: str, account: str) -> None:
    created = await rig.client(user, password, account).messages.create_async(to=TO, from_=FROM, body="Hello")
    assert created.account_sid == account


@pytest.mark.parametrize(
    ("user", "password", "account"),
    [
        (ACCOUNT, "wrong", ACCOUNT),
        (SUBACCOUNT, SUB_TOKEN, ACCOUNT),
        (API_KEY, API_SECRET, SUBACCOUNT),
        (ACCOUNT, TOKEN, "AC" + "0" * 32),
    ],
)
async def test_credentials_that_do_not(rig: Rig, user: str, password: str, account: str) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await rig.client(user, password, account).messages.create_async(to=TO, from_=FROM, body="Hello")
    assert (refused.value.status, refused.value.code) == (401, 20003)


REFUSALS = {
    "no sender": (21603, {"To": TO, "Body": "x"}),
    "no recipient": (21604, {"From": FROM, "Body": "x"}),
    "no content": (21602, {"To": TO, "From": FROM}),
    "recipient without +": (21211, {"To": "4155550123", "From": FROM, "Body": "x"}),
    "recipient too short": (21211, {"To": "+1415555", "From": FROM, "Body": "x"}),
    "invalid by magic": (21211, {"To": "+15005550001", "From": FROM, "Body": "x"}),
    "opted out by magic": (21610, {"To": "+15005550004", "From": FROM, "Body": "x"}),
    "not mobile by magic": (21614, {"To": "+15005550009", "From": FROM, "Body": "x"}),
    "not capable by magic": (21606, {"To": TO, "From": "+15005550000", "Body": "x"}),
    "sender malformed": (21212, {"To": TO, "From": "+1-415", "Body": "x"}),
    "to itself": (21266, {"To": TO, "From": TO, "Body": "x"}),
    "two channels": (21910, {"To": f"whatsapp:{TO}", "From": FROM, "Body": "x"}),
    "no such service": (21701, {"To": TO, "MessagingServiceSid": "MG1", "Body": "x"}),
    "body too long": (21617, {"To": TO, "From": FROM, "Body": "x" * 1601}),
    "media no URL": (21620, {"To": TO, "From": FROM, "MediaUrl": "cat.png"}),
    "content sid malformed": (21655, {"To": TO, "From": FROM, "ContentSid": "HX1"}),
    "variables no object": (
        21656,
        {"To": TO, "From": FROM, "ContentSid": "HX" + "0" * 32, "ContentVariables": "["},
    ),
    "callback no URL": (21609, {"To": TO, "From": FROM, "Body": "x", "StatusCallback": "nowhere"}),
    "validity out of range": (21624, {"To": TO, "From": FROM, "Body": "x", "ValidityPeriod": "36001"}),
    "schedule without service": (35118, {"To": TO, "From": FROM, "Body": "x", "ScheduleType": "fixed"}),
    "schedule without time": (
        35111,
        {"To": TO, "MessagingServiceSid": SERVICE, "Body": "x", "ScheduleType": "fixed"},
    ),
    "schedule in the past": (
        35114,
        {
            "To": TO,
            "MessagingServiceSid": SERVICE,
            "Body": "x",
            "ScheduleType": "fixed",
            "SendAt": "2020-01-01T00:00:00Z",
        },
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_what_twilio_would_not_take(rig: Rig, case: str) -> None:
    code, form = REFUSALS[case]
    url = f"{rig.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    async with rig.session.post(url, data=form, headers=basic()) as response:
        body = await response.json()
    assert body["code"] == code
    assert body["status"] == response.status == (404 if code == 21701 else 400)
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert (await rig.get("messages"))["messages"] == []


@pytest.mark.parametrize("channel", ["", "whatsapp:"])
async def test_only_own_numbers_send_when_they_are_named(settings: Settings, channel: str) -> None:
    tenant = settings.tenants["acme"].model_copy(update={"allowed_senders": ["+14155550000", SERVICE]})
    async with (
        serving(settings.model_copy(update={"tenants": {"acme": tenant}})) as url,
        ClientSession() as session,
    ):
        client = Rig(url, session).client()
        with pytest.raises(TwilioRestException) as refused:
            await client.messages.create_async(to=channel + TO, from_=channel + FROM, body="Hello")
        assert refused.value.code == (63007 if channel else 21606)
        await client.http_client.close()


async def test_unknown_paths_and_messages_are_twilios_404(rig: Rig) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await rig.client().messages("SM" + "0" * 32).fetch_async()
    assert (refused.value.status, refused.value.code) == (404, 20404)
    async with rig.session.get(f"{rig.url}/2010-04-01/Accounts/{ACCOUNT}/Nothing.json") as response:
        assert (response.status, (await response.json())["code"]) == (404, 20404)
    async with rig.session.put(f"{rig.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json") as response:
        assert (response.status, (await response.json())["code"]) == (405, 20004)


async def test_lists_page_by_page_newest_first_while_more_arrive(rig: Rig) -> None:
    client = rig.client()
    sids = [(await client.messages.create_async(to=TO, from_=FROM, body=str(n))).sid for n in range(7)]
    await client.messages.create_async(to="+14155550199", from_=FROM, body="to another")
    # One that is sent meanwhile gets its date, and with it another place.
    await rig.quiet()
    seen = []
    stream = await client.messages.stream_async(to=TO, page_size=3)
    async for message in stream:
        seen.append(message.sid)
        if len(seen) == 2:
            await client.messages.create_async(to=TO, from_=FROM, body="too late for this list")
    assert seen == sids[::-1]


def test_lists_stand_by_the_date_of_sending_not_of_creation() -> None:
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def made(sid: str, created_s: int, sent_s: int | None) -> Message:
        created, sent = (None if at is None else moment + timedelta(seconds=at) for at in (created_s, sent_s))
        assert created is not None
        return Message(sid, ACCOUNT, "outbound-api", TO, FROM, "", (), None, 1, "sent", created, created, sent)

    messages = [made("SM1", 0, 900), made("SM2", 1, 2), made("SM3", 3, None)]
    page = listing.page_of(messages, ACCOUNT, listing.read(MultiDict()), lambda message: message)
    assert [one["sid"] for one in cast(list[dict[str, str]], page["messages"])] == ["SM1", "SM3", "SM2"]
    filtered = listing.read(MultiDict({"DateSent>": "2026-11-20"}))
    page = listing.page_of(messages, ACCOUNT, filtered, lambda message: message)
    assert [one["sid"] for one in cast(list[dict[str, str]], page["messages"])] == ["SM1", "SM2"]


async def test_pages_go_back_too(rig: Rig) -> None:
    client = rig.client()
    for n in range(5):
        await client.messages.create_async(to=TO, from_=FROM, body=str(n))
    # Twilio lists by the time of sending: what is sent meanwhile moves.
    await rig.quiet()
    first = await client.messages.page_async(page_size=2)
    second = await first.next_page_async()
    back = await second.previous_page_async()
    assert [message.body for message in second] == ["2", "1"]
    assert [message.body for message in back] == ["4", "3"]


async def test_lists_filter_by_day_and_by_time(rig: Rig) -> None:
    client = rig.client()
    await client.messages.create_async(to=TO, from_=FROM, body="today")
    await rig.quiet()
    today, hour = datetime.now(UTC).date(), timedelta(hours=1)
    cases = [
        ({"date_sent": today}, 1),
        ({"date_sent": today - timedelta(days=1)}, 0),
        ({"date_sent_before": today}, 0),
        ({"date_sent_before": today + timedelta(days=1)}, 1),
        ({"date_sent_after": today + timedelta(days=1)}, 0),
        ({"date_sent_after": datetime.now(UTC) - hour, "date_sent_before": datetime.now(UTC) + hour}, 1),
        ({"date_sent_before": date(2020, 1, 1)}, 0),
    ]
    for given, count in cases:
        assert len(await client.messages.list_async(**given)) == count, given


async def test_a_list_that_cannot_be_read_is_refused(rig: Rig) -> None:
    for query in ("PageSize=many", "DateSent=yesterday", "PageToken=PAnone"):
        url = f"{rig.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json?{query}"
        async with rig.session.get(url, headers=basic()) as response:
            assert (response.status, (await response.json())["code"]) == (400, 20001)


async def test_deleting_and_redacting_wait_for_delivery(rig: Rig) -> None:
    client = rig.client()
    await rig.set_faults(callback_delay_s=3600)
    early = await client.messages.create_async(to=TO, from_=FROM, body="secret")
    for refused_call in (client.messages(early.sid).delete_async(), early.update_async(body="")):
        with pytest.raises(TwilioRestException) as refused:
            await refused_call
        assert (refused.value.status, refused.value.code) == (409, 20009)
    await rig.send("POST", "reset", {})
    done = await client.messages.create_async(to=TO, from_=FROM, body="secret")
    await rig.quiet()
    assert (await client.messages(done.sid).update_async(body="")).body == ""
    assert await client.messages(done.sid).delete_async()
    assert await client.messages.list_async() == []
    [record] = (await rig.get("messages"))["messages"]
    assert record["deleted"] is True


async def test_a_scheduled_message_waits_and_can_be_canceled(rig: Rig, endpoint: Endpoint) -> None:
    client = rig.client()
    scheduled = await client.messages.create_async(
        to=TO,
        messaging_service_sid=SERVICE,
        body="Later",
        schedule_type="fixed",
        send_at=datetime.now(UTC) + timedelta(hours=1),
        status_callback=endpoint.url,
    )
    assert (scheduled.status, scheduled.from_) == ("scheduled", None)
    canceled = await client.messages(scheduled.sid).update_async(status="canceled")
    assert canceled.status == "canceled"
    await rig.quiet()
    assert endpoint.statuses(scheduled.sid)[-1] == "canceled"
    with pytest.raises(TwilioRestException) as refused:
        await client.messages(scheduled.sid).update_async(status="canceled")
    assert (refused.value.status, refused.value.code) == (409, 30409)


async def test_a_validity_period_runs_out(rig: Rig) -> None:
    await rig.set_faults(callback_delay_s=0.6)
    created = await rig.client().messages.create_async(to=TO, from_=FROM, body="Soon", validity_period=1)
    await rig.quiet()
    fetched = await rig.client().messages(created.sid).fetch_async()
    assert (fetched.status, fetched.error_code, fetched.error_message) == (
        "failed",
        30036,
        "Validity Period Expired",
    )


async def test_content_variables_are_kept_as_given(rig: Rig) -> None:
    variables = json.dumps({"1": "Ava"})
    content = "HX" + "0" * 32
    await rig.client().messages.create_async(to=TO, from_=FROM, content_sid=content, content_variables=variables)
    [record] = (await rig.get("messages"))["messages"]
    assert (record["params"]["ContentSid"], record["params"]["ContentVariables"]) == (content, variables)


async def test_a_taken_port_is_a_clear_error(settings: Settings, rig: Rig) -> None:
    port = int(rig.url.rpartition(":")[2])
    taken = settings.model_copy(update={"simulator": settings.simulator.model_copy(update={"port": port})})
    with pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1 is taken .* set simulator.port"):
        async with serving(taken):
            pass
