"""Numbers that nothing reaches: a landline, an MMS to a phone that takes none, a phone that is off for days."""

from collections.abc import Callable
from typing import Any

import pytest

from services.contract.messages import INBOUND, MESSAGES, NUMBERS
from services.contract.outbound import RESULTS
from tests.cases.house import NUMBER, House, Tenant, escaped, sid
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")
Named = Callable[[str], Tenant]
LANDLINE = "+15005550009"
PICTURE = ["https://example.com/a.png"]
PERSON, SIBLING = "+14155550171", "+14155550101"


async def test_an_mms_to_a_landline_is_refused_by_twilio_once_and_stopped_before_that_from_then_on(
    tenant: Named,
) -> None:
    one = tenant("landline")
    refused = await one.send("mms-1", LANDLINE, media_urls=PICTURE)
    assert (refused["step"], refused["code"]) == ("failed", 21614)
    stopped = await one.send("mms-2", LANDLINE, media_urls=PICTURE)
    assert (stopped["step"], stopped["category"]) == ("blocked", "unreachable")
    assert "it takes no MMS (21614" in stopped["reason"]
    assert "SMS with a link" in stopped["remedy"]
    # Of SMS an MMS says nothing: one is tried, and that says it of both.
    assert (await one.send("sms-1", LANDLINE))["code"] == 21614
    assert "it is a landline" in (await one.send("sms-2", LANDLINE))["reason"]
    assert (await one.send("sms-3", LANDLINE, although_unreachable=True))["code"] == 21614
    assert await one.created() == []

    async def seen() -> Any:
        found = await one.view(f"/v1/contacts/{escaped(refused['contact'])}")
        return found if found and len(found["failures"]) == len(by) else None

    by = ["mms", "sms", "sms"]
    found = await eventually(seen, 30, "the processor has heard of all three")
    assert [failure["channel"] for failure in found["failures"]] == by
    assert {channel: one["why"] for channel, one in found["unreachable"].items()} == dict.fromkeys(by, "landline")


async def test_a_phone_that_is_off_for_hours_is_left_alone_until_a_word_of_theirs(house: House, tenant: Named) -> None:
    one = tenant("off")
    for number in range(3):
        message = sid()
        # Twice, as callbacks come.
        for _ in range(2):
            await one.status(message, "undelivered", ErrorCode="30003", To=PERSON, From=NUMBER)
        if number < 2:
            await house.later(3700)
    told = await one.seen(NUMBERS.name, event_type="number_stated")

    def marked() -> bool:
        return any("sms" in stated["unreachable"] for stated in one.events(NUMBERS.name))

    await eventually(marked, 30, "the number is told to be left alone")
    stopped = await one.send("off-1", PERSON)
    assert (stopped["step"], stopped["category"]) == ("blocked", "unreachable")
    assert "the last 3 messages did not reach it (30003)" in stopped["reason"]
    assert stopped["contact"] == told["contact"]
    shown = await house.cli("contact", PERSON, "--tenant", one.name)
    assert "left alone by mms until" in shown.text
    await one.hear("I am back", PERSON)
    await one.seen(INBOUND.name, body="I am back")
    assert (await one.send("off-2", PERSON))["step"] == "sent"


async def test_a_sender_that_is_not_registered_is_out_of_its_pool_until_it_is_resumed(
    house: House, tenant: Named
) -> None:
    one = tenant("pooled")
    for _ in range(2):
        await one.status(sid(), "undelivered", ErrorCode="30034", To=PERSON, From=NUMBER)
    ready = f"{house.services['sender'].operations}/readyz"

    async def told() -> bool:
        async with house.http.get(ready) as answer:
            return answer.status == 200 and "30034" in await answer.text()

    await eventually(told, 30, "the sender says who is out")
    for number in range(8):
        command = {"command_id": f"by-{number}", "tenant": one.name, "to": f"+1415555018{number}", "body": "hello"}
        await one.produce(MESSAGES.name, command)
    assert {(await one.end(f"by-{number}"))["step"] for number in range(8)} == {"sent"}
    assert {message["from"] for message in await one.created()} == {SIBLING}
    await one.ask("named", PERSON, from_=NUMBER)
    waits = await one.seen(RESULTS.name, command_id="named", step="deferred")
    assert (waits["category"], "30034" in waits["reason"]) == ("sender", True)
    # Of another tenant it is another sender.
    assert (await tenant("off").send("elsewhere", "+14155550189"))["step"] == "sent"
    await house.cli("resume", "--tenant", one.name, "--sender", NUMBER)
    assert (await one.end("named"))["step"] == "sent"
