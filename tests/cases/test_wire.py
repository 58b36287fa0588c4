"""What crosses the wire: signatures, answers, codes, callbacks, lists."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import pytest
import yaml

from services.contract.messages import DELIVERY, INBOUND, OUTCOMES
from tests.cases.house import NUMBER, SERVICE, WHATSAPP, House, Tenant, escaped, sid
from tests.cases.tenants import HELP
from tests.switchboard import switchboard
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")
Named = Callable[[str], Tenant]
PERSON = "+14155550123"


async def test_get_query_signed_unescaped(tenant: Named) -> None:
    """Each spelling of one query is one fact; another decoded character is refused."""
    one = tenant("get")
    message = sid()
    query = (
        f"AccountSid={one.account}&Body=it%27s+me&From={escaped('whatsapp:+14155550123')}&MessageSid={message}"
        f"&To={escaped(WHATSAPP)}"
    )
    bare_colon = query.replace("whatsapp%3A", "whatsapp:")
    bare_quote = query.replace("%27", "'")
    both = bare_colon.replace("%27", "'")
    for signed in (query, bare_colon, bare_quote, both, query.replace("%3A", "%3a"), query.replace("%2B", "%2b")):
        assert await one.get(query, signed) in (200, 204), signed
        assert await one.get(signed, query) in (200, 204), signed
    for wrong in (
        query.replace("it%27s", "its"),
        query.replace("me", "mE"),
        query.replace("&To=", "&to="),
        "&".join(reversed(query.split("&"))),
        query.replace("%2B", "+"),
    ):
        assert await one.get(query, wrong) == 403, wrong
        assert await one.get(wrong, query) == 403, wrong
    await eventually(lambda: bool(one.events(INBOUND.name)), what="the message is on the log")
    assert {event["event_id"] for event in one.events(INBOUND.name)} == {one.events(INBOUND.name)[0]["event_id"]}


async def test_help_answered_twice(tenant: Named) -> None:
    """Where Twilio has answered we do not; a keyword is known by the spelling that STOP is heard by."""
    one = tenant("answered")
    for word in ("HELP", "STOP"):
        answer = await one.hear(word, OptOutType=word, MessagingServiceSid=SERVICE)
        assert "<Message>" not in answer, word
    assert HELP in await one.hear("Help!", f"whatsapp:{PERSON}", WHATSAPP)
    checked = await one.house.cli("config", "check", code=None)
    assert "STOP" in checked.text
    assert "21610" in checked.text


async def test_redacted_list(house: House, tenant: Named) -> None:
    """Nothing is derived from a masked value: the true contact stays, and what may have been a STOP is told."""
    one = tenant("redacted")
    sent = await one.send("before", PERSON)
    lost = sid()
    await house.twilio("PUT", "redaction", {"accounts": [one.account]})
    await house.twilio("PUT", "faults", {"callback_delay_s": 0.01})
    heard = {"account_sid": one.account, "from": PERSON, "to": NUMBER, "body": "STOP", "params": {"MessageSid": lost}}
    await house.twilio("POST", "inbound", {**heard, "lost": True})
    said = await house.cli("backfill", "--tenant", "redacted", "--apply")
    assert "redacted" in said.text
    assert "STOP" in said.text
    message = await eventually(lambda: one.view(f"/v1/messages/{sent['message_sid']}"), what="the message is known")
    assert message["contact"] == sent["contact"]
    assert lost not in {event["message_sid"] for event in one.events(INBOUND.name)}
    assert "X" not in "".join(event["from"] for event in one.events(INBOUND.name))


CODES = (
    (63049, "whatsapp"),
    (63013, "whatsapp"),
    (63014, "whatsapp"),
    (63033, "whatsapp"),
    (30032, "sms"),
    (30034, "sms"),
)
REFUSED = (21609, 21619, 21623, 21656, 21658, 21620)


async def test_unknown_codes(house: House, tenant: Named) -> None:
    """Each code has a category and a remedy; one that nobody knows is counted by code."""
    one = tenant("codes")
    for number, (code, channel) in enumerate((*CODES, (64999, "sms"))):
        prefix = "whatsapp:" if channel == "whatsapp" else ""
        to, from_ = f"{prefix}+1415555020{number}", WHATSAPP if prefix else "+18885550100"
        form = {"MessageStatus": "undelivered", "ErrorCode": str(code), "From": from_, "To": to}
        await one.post("status", form, MessageSid=f"SM{code:032}")
        changed = await one.seen(DELIVERY.name, message_sid=f"SM{code:032}", error_code=code)
        if code != 64999:
            assert changed["error_category"] != "unknown", code
            assert changed["remedy"], code
    for number, code in enumerate(REFUSED[1:]):
        to = f"+1415555021{number}"
        await house.twilio("PUT", "errors", {"refused": {to: code}})
        failed = await one.send(f"code-{code}", to)
        assert (failed["step"], failed["code"]) == ("failed", code)
        assert failed["category"] != "unknown"
    to = "+14155550219"
    await house.twilio("PUT", "errors", {"refused": {to: 64998}})
    assert (await one.send("code-64998", to))["category"] == "unknown"
    await house.twilio("PUT", "errors", {})
    for service, code in (("processor", "64999"), ("sender", "64998")):
        async with house.http.get(f"{house.services[service].operations}/metrics") as answer:
            metrics = await answer.text()
        assert any("unknown" in line and code in line for line in metrics.splitlines()), service


async def test_callback_url_refused(house: House, tenant: Named) -> None:
    """21609 is the house's fault: everything waits, nothing ends. A public URL that Twilio cannot call is named."""
    one, other = tenant("house"), tenant("both")
    settings = yaml.safe_load(house.settings.read_text())
    settings["twilio"] = {"api": "https://api.twilio.com"}
    # Refused beside Twilio itself, before anything else is looked at.
    settings.pop("clock_skew_file", None)
    file = house.settings.with_name("wrong.yaml")
    file.write_text(yaml.safe_dump({**settings, "public_url": "https://my_hooks.example.com"}))
    assert "public_url" in (await switchboard(file, "config", "check", code=None)).text
    await house.twilio("PUT", "errors", {"refused": {"+14155550230": 21609}})
    await one.ask("held-1", "+14155550230")
    await eventually(lambda: any(step["step"] == "deferred" for step in one.steps("held-1")), what="the fault is told")
    await other.ask("held-2", "+14155550231")
    await asyncio.sleep(0)
    assert not any(step["terminal"] for step in one.steps("held-1"))
    await house.twilio("PUT", "errors", {})
    for who, name in ((one, "held-1"), (other, "held-2")):
        assert (await eventually(lambda who=who, name=name: who._terminal(name), 90, f"{name} goes"))["step"] == "sent"


async def test_delivered_with_error(tenant: Named) -> None:
    """Delivered after all: no error, category or remedy, in every order of the callbacks."""
    one = tenant("overruled")
    steps = (
        {"MessageStatus": "sent", "RawDlrDoneDate": ""},
        {"MessageStatus": "undelivered", "ErrorCode": "30008", "RawDlrDoneDate": "2602211822"},
        {"MessageStatus": "delivered", "RawDlrDoneDate": "2602211823"},
    )

    async def called_back(message: str, order: Sequence[dict[str, str]]) -> None:
        for step in order:
            for date in (step["RawDlrDoneDate"], "2602211824"):
                form = {**step, "From": NUMBER, "To": PERSON, "RawDlrDoneDate": date}
                assert (await one.post("status", form, MessageSid=message))[0] == 204

    orders = {sid(): order for order in permutations(steps)}
    await asyncio.gather(*(called_back(message, order) for message, order in orders.items()))
    for message in orders:
        row = await eventually(lambda message=message: _delivered(one, message), what="it is delivered")
        assert (row["final"], row["error_code"], row["error_category"], row["remedy"]) == (True, None, None, None)
        assert "undelivered" in row["steps"]
        # The view may know it before its events have come to this reader.
        last = await eventually(lambda message=message: _told(one, DELIVERY.name, message), what="its event is read")
        assert (last["status"], last["error_code"], last["error_category"], last["remedy"]) == (
            "delivered",
            *(None,) * 3,
        )
        outcome = await eventually(lambda message=message: _told(one, OUTCOMES.name, message), what="its end is read")
        assert (outcome["status"], outcome["error_code"]) == ("delivered", None)


def _told(one: Tenant, topic: str, message: str) -> dict[str, Any] | None:
    """The last that is told of a message, once that is its delivery."""
    last = next((event for event in reversed(one.events(topic)) if event["message_sid"] == message), None)
    return last if last is not None and last["status"] == "delivered" else None


async def _delivered(one: Tenant, message: str) -> dict[str, object] | None:
    row = await one.view(f"/v1/messages/{message}")
    return row if row is not None and row["status"] == "delivered" and "undelivered" in row["steps"] else None
