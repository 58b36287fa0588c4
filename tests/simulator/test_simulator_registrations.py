"""Registrations with carriers as Twilio lists them, and what it does with messages of who is not registered."""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from .rig import ACCOUNT, SERVICE, SUB_TOKEN, SUBACCOUNT, Rig
from .test_simulator_senders import OTHER_SERVICE, messaging

NUMBER, SECOND, FREE = "+14155552671", "+14155552672", "+18885550100"
US, CANADA, UK = "+14155550123", "+14165550123", "+447700900123"


async def register(rig: Rig, account: str = ACCOUNT, **registered: Any) -> None:
    status, answer = await rig.send("PUT", f"accounts/{account}/registrations", registered)
    assert status == 200, answer


async def enforce(rig: Rig) -> None:
    status, _ = await rig.send("PUT", "registrations", {"enforced": True})
    assert status == 200


def campaign(service: str = SERVICE, status: str = "VERIFIED") -> dict[str, Any]:
    return {"messaging_service_sid": service, "campaign_status": status, "brand_registration_sid": "BN" + "1" * 32}


async def test_what_an_account_has_registered_is_listed_to_it_alone(rig: Rig) -> None:
    await rig.set_service(numbers=[NUMBER], account_sid=ACCOUNT)
    await rig.set_service(OTHER_SERVICE, numbers=[SECOND], account_sid=SUBACCOUNT)
    await register(
        rig,
        brands={"BN" + "1" * 32: {"brand_score": 61}},
        campaigns={"QE" + str(place) * 32: campaign() for place in range(3)},
        verifications={"HH" + "1" * 32: {"tollfree_phone_number": FREE, "status": "IN_REVIEW"}},
    )
    client = messaging(rig)
    [brand] = await client.messaging.v1.brand_registrations.list_async()
    assert (brand.status, brand.brand_score) == ("APPROVED", 61)
    listed = await client.messaging.v1.services(SERVICE).us_app_to_person.list_async(page_size=2)
    assert [one.campaign_status for one in listed] == ["VERIFIED"] * 3
    [found] = await client.messaging.v1.tollfree_verifications.list_async()
    assert (found.tollfree_phone_number, found.status) == (FREE, "IN_REVIEW")
    assert await client.messaging.v1.tollfree_verifications.list_async(status="TWILIO_APPROVED") == []
    sub = messaging(rig, SUBACCOUNT, SUB_TOKEN)
    assert await sub.messaging.v1.brand_registrations.list_async() == []
    assert await sub.messaging.v1.services(OTHER_SERVICE).us_app_to_person.list_async() == []


@pytest.mark.parametrize(
    ("sender", "to", "registered", "code"),
    [
        (NUMBER, US, {}, 30034),
        (NUMBER, US, {"campaigns": {"QE1": campaign(status="IN_PROGRESS")}}, 30034),
        (NUMBER, US, {"campaigns": {"QE1": campaign(status="SUSPENDED")}}, 30033),
        (NUMBER, US, {"campaigns": {"QE1": campaign()}}, None),
        (SECOND, US, {"campaigns": {"QE1": campaign()}}, 30034),
        (NUMBER, CANADA, {}, None),
        (NUMBER, UK, {}, None),
        (FREE, US, {}, 30032),
        (FREE, CANADA, {}, 30032),
        (FREE, CANADA, {"verifications": {"HH1": {"tollfree_phone_number": FREE, "status": "TWILIO_APPROVED"}}}, None),
        ("12345", US, {}, None),
    ],
)
async def test_who_is_not_registered_is_taken_and_ends_undelivered(
    rig: Rig, sender: str, to: str, registered: Any, code: int | None
) -> None:
    await rig.set_service(numbers=[NUMBER])
    await register(rig, **registered)
    await enforce(rig)
    made = await rig.client().messages.create_async(to=to, from_=sender, body="Hi")
    await rig.quiet()
    assert (await rig.client().messages(made.sid).fetch_async()).error_code == code


async def test_a_name_is_refused_where_carriers_take_none(rig: Rig) -> None:
    await enforce(rig)
    with pytest.raises(TwilioRestException) as refused:
        await rig.client().messages.create_async(to=US, from_="ACME", body="Hi")
    assert (refused.value.status, refused.value.code) == (400, 21612)
    await rig.client().messages.create_async(to=UK, from_="ACME", body="Hi")
    await rig.set_service(numbers=["ACME"])
    made = await rig.client().messages.create_async(to=US, messaging_service_sid=SERVICE, from_="ACME", body="Hi")
    await rig.quiet()
    assert (await rig.client().messages(made.sid).fetch_async()).error_code == 21612
