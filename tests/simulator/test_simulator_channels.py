"""RCS with its fallback, and Messenger, at the simulated Twilio."""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from .rig import ACCOUNT, SERVICE, Endpoint, Rig

PERSON, PAGE = "messenger:1034567890123456", "messenger:205678901234567"
NUMBER, AGENT, PHONE = "+14155552671", "rcs:acme_agent", "+14155550123"


async def refused(rig: Rig, **fields: Any) -> int:
    with pytest.raises(TwilioRestException) as error:
        await rig.client().messages.create_async(**{"to": PHONE, "body": "Hello"} | fields)
    return int(error.value.code)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"from_": NUMBER, "fallback_from": NUMBER}, 21664),
        ({"from_": AGENT, "to": f"rcs:{PHONE}", "fallback_from": NUMBER}, 21664),
        ({"messaging_service_sid": SERVICE, "fallback_from": AGENT}, 21665),
        ({"messaging_service_sid": SERVICE, "fallback_from": "4155550199!"}, 21665),
        ({"messaging_service_sid": SERVICE, "fallback_from": NUMBER}, 21667),
        ({"from_": PAGE}, 21910),
        ({"from_": AGENT}, 21910),
        ({"to": "messenger:+14155550123", "from_": PAGE}, 21211),
        ({"to": PERSON, "from_": "messenger:acme"}, 63007),
        ({"to": f"rcs:{PHONE}", "from_": "rcs:+"}, 63007),
    ],
)
async def test_what_twilio_refuses(rig: Rig, fields: dict[str, Any], code: int) -> None:
    await rig.set_service(numbers=[NUMBER])
    assert await refused(rig, **fields) == code


async def sent(rig: Rig, endpoint: Endpoint, **fields: Any) -> list[tuple[str, str, str | None]]:
    """Each callback's status, its From, and its ChannelPrefix."""
    before = len(endpoint.received)
    given = {"to": PHONE, "body": "Hello", "status_callback": endpoint.url} | fields
    await rig.client().messages.create_async(**given)
    await rig.quiet()
    told = [dict(one.form) for one in endpoint.received[before:]]
    return [(one["MessageStatus"], one.get("From", ""), one.get("ChannelPrefix")) for one in told]


async def test_a_service_tries_rcs_first_and_falls_back_to_sms(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_service(numbers=[NUMBER, AGENT])
    service = {"messaging_service_sid": SERVICE}
    assert (await sent(rig, endpoint, **service))[-1] == ("read", AGENT, "rcs")
    await rig.send("PUT", "errors", {"undelivered": {PHONE: 30046}})
    assert (await sent(rig, endpoint, **service))[-1] == ("delivered", NUMBER, None)
    assert (await sent(rig, endpoint, **service, fallback_from="+14155550199"))[-1][:2] == ("delivered", "+14155550199")


async def test_rcs_alone_falls_back_to_nothing(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_service(numbers=[NUMBER, AGENT])
    alone = {"to": f"rcs:{PHONE}", "messaging_service_sid": SERVICE}
    assert (await sent(rig, endpoint, **alone))[-1] == ("read", AGENT, "rcs")
    await rig.send("PUT", "errors", {"undelivered": {f"rcs:{PHONE}": 30046}})
    assert (await sent(rig, endpoint, **alone))[-1] == ("undelivered", AGENT, "rcs")


async def test_a_stop_by_rcs_holds_by_sms(rig: Rig) -> None:
    await rig.set_service(numbers=[NUMBER, AGENT])
    said = {"account_sid": ACCOUNT, "from": f"rcs:{PHONE}", "to": AGENT, "body": "STOP"}
    await rig.send("POST", "inbound", said)
    assert await refused(rig, messaging_service_sid=SERVICE) == 21610
    assert await refused(rig, from_=NUMBER) == 21610


async def test_messenger_has_a_window_that_no_template_opens(rig: Rig, endpoint: Endpoint) -> None:
    await rig.send("PUT", "windows", {"enforce": True})
    fields: dict[str, Any] = {"to": PERSON, "from_": PAGE}
    assert (await sent(rig, endpoint, **fields))[-1][0] == "failed"
    assert endpoint.received[-1]["ErrorCode"] == "63016"
    template = {"body": None, "content_sid": "HX" + "0" * 32}
    assert (await sent(rig, endpoint, **fields, **template))[-1][0] == "failed"
    await rig.send("POST", "inbound", {"account_sid": ACCOUNT, "from": PERSON, "to": PAGE, "body": "hello"})
    assert (await sent(rig, endpoint, **fields))[-1] == ("delivered", PAGE, "messenger")
