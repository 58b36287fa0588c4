"""One person under several names: spellings of a number, and WhatsApp's business-scoped ids."""

import pytest
from twilio.request_validator import RequestValidator

from services.simulator.people import usual, variant

from .rig import ACCOUNT, TOKEN, Endpoint, Rig

PHONE, OURS = "+14155550123", "+14155552671"
ID = "US.13491208655302741918"
SPELLINGS = {
    "Brazil": ("+5511987654321", "+551187654321"),
    "Mexico": ("+525512345678", "+5215512345678"),
    "Argentina": ("+541123456789", "+5491123456789"),
    "Ivory Coast, Orange": ("+2250707123456", "+22507123456"),
    "Ivory Coast, a fixed line": ("+2252720301234", "+22520301234"),
    "Benin": ("+2290161000000", "+22961000000"),
}
ONE_SPELLING = {
    "US": "+14155550123",
    "Brazil, fixed line": "+551133334444",
    "Brazil, no mobile after the 9": "+5511900001111",
    "Mexico, too short": "+52551234567",
    "no number": "US.525512345678",
}


def fields(endpoint: Endpoint) -> dict[str, str]:
    """The last webhook's form, signed as Twilio signs."""
    got = endpoint.received[-1]
    assert RequestValidator(TOKEN).validate(endpoint.url + got.path, dict(got.form), got.headers["X-Twilio-Signature"])
    return dict(got.form)


@pytest.mark.parametrize("case", SPELLINGS)
def test_two_spellings_are_told_apart_and_brought_together(case: str) -> None:
    plain, other = SPELLINGS[case]
    assert (variant(plain), variant(other), usual(plain), usual(other)) == (other, other, plain, plain)


@pytest.mark.parametrize("case", ONE_SPELLING)
def test_other_numbers_have_one_spelling(case: str) -> None:
    number = ONE_SPELLING[case]
    assert (variant(number), usual(number)) == (None, number)


@pytest.mark.parametrize("channel", ["", "whatsapp:"])
@pytest.mark.parametrize("case", SPELLINGS)
async def test_a_person_writes_in_the_other_spelling(rig: Rig, endpoint: Endpoint, case: str, channel: str) -> None:
    plain, other = SPELLINGS[case]
    await rig.hear(channel + plain, channel + OURS, "Hi", variant=True)
    got = fields(endpoint)
    assert got["From"] == channel + other
    assert got.get("WaId") == (other.removeprefix("+") if channel else None)


@pytest.mark.parametrize("case", SPELLINGS)
async def test_a_block_and_a_window_hold_for_both_spellings(rig: Rig, case: str) -> None:
    plain, other = SPELLINGS[case]
    await rig.hear(plain, OURS, "STOP", variant=True)
    assert not await rig.reaches(plain, from_=OURS)
    assert not await rig.reaches(other, from_=OURS)
    await rig.hear(plain, OURS, "START")
    assert await rig.reaches(other, from_=OURS)
    await rig.send("PUT", "windows", {"enforce": True})
    await rig.hear(f"whatsapp:{plain}", f"whatsapp:{OURS}", "Hi", variant=True)
    for number in (plain, other):
        await rig.client().messages.create_async(to=f"whatsapp:{number}", from_=f"whatsapp:{OURS}", body="Hi")
    await rig.quiet()
    assert [one["resource"]["status"] for one in (await rig.records("api"))[-2:]] == ["read", "read"]


IDS: dict[str, tuple[dict[str, str], dict[str, str | None]]] = {
    "the id alone": (
        {"person": f"whatsapp:{ID}"},
        {"From": f"whatsapp:{ID}", "ExternalUserId": ID, "WaId": None},
    ),
    "the id, and the phone beside it": (
        {"person": f"whatsapp:{ID}", "phone": PHONE},
        {"From": f"whatsapp:{ID}", "ExternalUserId": ID, "WaId": "14155550123"},
    ),
    "the phone, and the id beside it": (
        {"person": f"whatsapp:{PHONE}", "external_user_id": ID},
        {"From": f"whatsapp:{ID}", "ExternalUserId": ID, "WaId": "14155550123"},
    ),
    "the phone alone": (
        {"person": f"whatsapp:{PHONE}"},
        {"From": f"whatsapp:{PHONE}", "ExternalUserId": None, "WaId": "14155550123"},
    ),
}


@pytest.mark.parametrize("case", IDS)
async def test_who_writes_is_named_as_far_as_whatsapp_knows(rig: Rig, endpoint: Endpoint, case: str) -> None:
    named, expected = IDS[case]
    answer = await rig.hear(**named, ours=f"whatsapp:{OURS}", body="Hi")
    got = fields(endpoint)
    assert {name: got.get(name) for name in expected} == expected
    assert (await rig.client().messages(answer["sid"]).fetch_async()).from_ == expected["From"]


async def test_an_id_can_be_written_to(rig: Rig) -> None:
    created = await rig.client().messages.create_async(to=f"whatsapp:{ID}", from_=f"whatsapp:{OURS}", body="Hi")
    await rig.quiet()
    fetched = await rig.client().messages(created.sid).fetch_async()
    assert (fetched.to, fetched.status) == (f"whatsapp:{ID}", "read")


@pytest.mark.parametrize(("one", "other"), [(ID, PHONE), (PHONE, ID)])
async def test_an_id_and_its_phone_are_one_person_once_both_were_told(rig: Rig, one: str, other: str) -> None:
    ours = f"whatsapp:{OURS}"
    await rig.set_service(advanced_opt_out=True, numbers=[ours])
    await rig.hear(f"whatsapp:{one}", ours, "STOP")
    assert await rig.reaches(f"whatsapp:{other}", from_=ours)
    await rig.hear(f"whatsapp:{ID}", ours, "By the way", phone=PHONE)
    assert not await rig.reaches(f"whatsapp:{other}", from_=ours)
    await rig.hear(f"whatsapp:{other}", ours, "START")
    assert await rig.reaches(f"whatsapp:{one}", from_=ours)


WRONG: dict[str, dict[str, object]] = {
    "an id by SMS": {"from": PHONE, "external_user_id": ID},
    "no id": {"from": f"whatsapp:{PHONE}", "external_user_id": "1349"},
    "no phone": {"from": f"whatsapp:{ID}", "phone": "4155550123"},
    "two phones": {"from": f"whatsapp:{PHONE}", "phone": "+14155550124"},
    "two ids": {"from": f"whatsapp:{ID}", "external_user_id": "US.2"},
    "one spelling only": {"from": PHONE, "variant": True},
    "an id has no spelling": {"from": f"whatsapp:{ID}", "variant": True},
    "no service": {"from": PHONE, "messaging_service_sid": "MG1"},
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_person_that_cannot_be(rig: Rig, case: str) -> None:
    status, told = await rig.send("POST", "inbound", {"account_sid": ACCOUNT, "to": OURS, **WRONG[case]})
    assert status == 400
    assert len(told["errors"]) == 1
