"""Our senders as Twilio lists them, read with Twilio's own client; and opt-outs for a whole service, on RCS too."""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioException

from .rig import ACCOUNT, SERVICE, SUB_TOKEN, SUBACCOUNT, Rig

PERSON, NUMBER, SECOND, CODE = "+14155550123", "+14155552671", "+14155552672", "12345"
AGENT, WHATSAPP = "rcs:acme_agent", "whatsapp:+14155552671"
OTHER_SERVICE = "MG" + "e" * 32
POOL = [NUMBER, SECOND, CODE, "ACME", WHATSAPP, AGENT]


def messaging(rig: Rig, *credentials: str) -> Any:
    client = rig.client(*credentials)
    client.messaging.base_url = rig.url
    return client


async def test_a_services_pool_stands_in_lists_by_kind(rig: Rig) -> None:
    await rig.set_service(numbers=POOL)
    client = messaging(rig)
    [service] = await client.messaging.v1.services.list_async()
    assert service.sid == SERVICE
    assert [one.phone_number for one in await service.phone_numbers.list_async()] == [NUMBER, SECOND]
    assert [one.short_code for one in await service.short_codes.list_async()] == [CODE]
    assert [one.alpha_sender for one in await service.alpha_senders.list_async()] == ["ACME"]
    channels = await service.channel_senders.list_async()
    assert [(one.sender, one.sender_type) for one in channels] == [(WHATSAPP, "WhatsApp"), (AGENT, "RCS")]
    assert [one.phone_number for one in await client.incoming_phone_numbers.list_async()] == [NUMBER, SECOND]
    assert [one.short_code for one in await client.api.account.short_codes.list_async()] == [CODE]
    senders = await client.messaging.v2.channels_senders.list_async(channel="whatsapp")
    assert [one.sender_id for one in senders] == [WHATSAPP]


async def test_pages_lead_to_each_other(rig: Rig) -> None:
    numbers = [f"+1415555{number:04}" for number in range(1, 8)]
    await rig.set_service(numbers=numbers)
    client = messaging(rig)
    [service] = await client.messaging.v1.services.list_async()
    assert [one.phone_number for one in await service.phone_numbers.list_async(page_size=3)] == numbers
    listed = await client.incoming_phone_numbers.list_async(page_size=2)
    assert [one.phone_number for one in listed] == numbers


async def test_each_account_has_its_own_services(rig: Rig) -> None:
    await rig.set_service(numbers=[NUMBER], account_sid=ACCOUNT)
    await rig.set_service(OTHER_SERVICE, numbers=[SECOND], account_sid=SUBACCOUNT)
    assert [one.sid for one in await messaging(rig).messaging.v1.services.list_async()] == [SERVICE]
    sub = messaging(rig, SUBACCOUNT, SUB_TOKEN)
    assert [one.sid for one in await sub.messaging.v1.services.list_async()] == [OTHER_SERVICE]
    with pytest.raises(TwilioException):
        await messaging(rig).messaging.v1.services(OTHER_SERVICE).phone_numbers.list_async()
    with pytest.raises(TwilioException):
        await messaging(rig, ACCOUNT, "wrong").messaging.v1.services.list_async()


async def test_what_is_missing_is_told_in_twilios_words(rig: Rig) -> None:
    async with rig.session.get(f"{rig.url}/v1/Nothing") as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, 20404)


@pytest.mark.parametrize(("stopped", "asked"), [(AGENT, SECOND), (NUMBER, SECOND), (NUMBER, AGENT), (NUMBER, None)])
async def test_an_opt_out_is_the_services_on_sms_mms_and_rcs_alike(rig: Rig, stopped: str, asked: str | None) -> None:
    await rig.set_service(numbers=[NUMBER, SECOND, AGENT])
    person = f"rcs:{PERSON}" if stopped == AGENT else PERSON
    await rig.hear(person, stopped, "STOP")
    if asked == AGENT:
        # Nobody sends from an agent by its name here; the service would choose it.
        asked = None
    by = {"from_": asked} if asked else {"messaging_service_sid": SERVICE}
    assert not await rig.reaches(PERSON, **by)
    await rig.hear(PERSON, SECOND, "START")
    assert await rig.reaches(PERSON, **by)
    assert await rig.reaches(PERSON, from_=NUMBER)


async def test_whatsapp_stays_apart(rig: Rig) -> None:
    await rig.set_service(numbers=[NUMBER, WHATSAPP])
    await rig.hear(PERSON, NUMBER, "STOP")
    assert await rig.reaches(f"whatsapp:{PERSON}", from_=WHATSAPP)
