"""What a producer writes: template variables, senders, media, ids, lengths; and what waits for the day."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from services.contract.messages import MESSAGES
from services.contract.outbound import RESULTS
from services.domain.clock import parse
from tests.cases.house import NUMBER, SERVICE, TEMPLATE, House, Tenant
from tests.cases.tenants import CALIFORNIA, ENOUGH_S

pytestmark = pytest.mark.asyncio(loop_scope="package")
Named = Callable[[str], Tenant]
PERSON = "+14155550123"
ON_WHATSAPP = f"whatsapp:{PERSON}"


async def test_content_variables_empty(tenant: Named) -> None:
    """Each wrong placeholder is named at intake, before Twilio's 21656."""
    one = tenant("variables")
    wrong = {
        "cv-1": ({"1": "Ann", "2": ""}, "2"),
        "cv-2": ({"1": "first line\n\nsecond line"}, "1"),
        "cv-3": ({"1": "a\tb     c"}, "1"),
        "cv-4": ({"1": "x" * 1601}, "1"),
        "cv-5": ({"": "x"}, ""),
        "cv-7": ({"1": "   "}, "1"),
    }
    for command_id, (variables, name) in wrong.items():
        told = await one.send(command_id, ON_WHATSAPP, content_sid=TEMPLATE, content_variables=variables)
        assert told["step"] == "rejected", command_id
        assert any("content_variables" in error and name in error for error in told["errors"]), told["errors"]
    for command_id, variables in {"cv-6": {"1": "I'm here"}, "cv-8": {"1": "first line\nsecond line"}}.items():
        told = await one.send(command_id, ON_WHATSAPP, content_sid=TEMPLATE, content_variables=variables)
        assert told["step"] == "sent", told


async def test_from_and_service(tenant: Named) -> None:
    """A sender of the pool goes together with its service; a service in `from` is told where it belongs."""
    one = tenant("both")
    both = await one.send("both-1", "+447700900123", from_="ACME", messaging_service_sid=SERVICE, body="hi")
    assert both["step"] == "sent"
    told = await one.send("both-2", PERSON, from_=SERVICE, body="hi")
    assert told["step"] == "rejected"
    assert "messaging_service_sid" in told["reason"]


async def test_emoji_1600(tenant: Named) -> None:
    """Twilio names no unit for 1,600: what is sure is refused here, and segments and encoding are told at intake."""
    one = tenant("emoji")
    bodies = {"em-1": ("🎉" * 800, "UCS-2"), "em-3": ("👩‍👩‍👧‍👦" * 146, "UCS-2"), "em-4": ("€" * 1600, "GSM-7")}
    for command_id, (body, encoding) in bodies.items():
        await one.send(command_id, PERSON, body=body)
        accepted = one.steps(command_id)[0]
        assert (accepted["step"], accepted["encoding"]) == ("accepted", encoding)
        assert accepted["segments"] > 1


async def test_media_url_shapes(tenant: Named) -> None:
    """What is no public https URL is refused by name; one medium by WhatsApp."""
    one = tenant("media")
    wrong = (
        "https://",
        "https:// example.com/a.jpg",
        "https://example.com/my photo.jpg",
        "https://localhost/a.jpg",
        "https://example.com:99999/a.jpg",
    )
    for number, url in enumerate(wrong):
        told = await one.send(f"media-{number}", PERSON, media_urls=[url])
        assert told["step"] == "rejected", url
        assert "media_urls" in told["reason"], told["reason"]
    assert (await one.send("accent", PERSON, media_urls=["https://example.com/año.jpg"]))["step"] == "sent"
    pair = ["https://example.com/a.jpg", "https://example.com/b.jpg"]
    told = await one.send("two", ON_WHATSAPP, media_urls=pair)
    assert (told["step"], "media_urls" in told["reason"]) == ("rejected", True)


async def test_numeric_ids(tenant: Named) -> None:
    """A number where text belongs: one terminal refusal that names both fields, under a name its producer knows."""
    one = tenant("numeric")
    value = {"command_id": 18473, "tenant": one.name, "to": 14155550123, "from": NUMBER, "body": "hi"}
    await one.produce(MESSAGES.name, value, key="order-18473")
    told = await one.end("18473")
    assert told["step"] == "rejected"
    assert "command_id" in told["reason"]
    assert "to" in told["reason"]


async def test_a_send_in_the_recipients_night(house: House, tenant: Named) -> None:
    """It waits until it is day where they are, by their number's area; what is no marketing goes."""
    one = tenant("nights")
    await one.ask("offer", "+14155550123", purpose="marketing")
    waits = await one.seen(RESULTS.name, command_id="offer", step="deferred")
    assert waits["category"] == "quiet_hours"
    quiet = waits["receipt"]["view"]["quiet"]
    until = parse(quiet["until"])
    assert until.astimezone(CALIFORNIA).strftime("%H:%M") == quiet["hours"][0]["ends"]
    assert (await one.send("code", "+14155550123", purpose="authentication"))["step"] == "sent"
    assert [step["step"] for step in one.steps("offer")] == ["accepted", "deferred"]
    await house.later((until - datetime.now(UTC)).total_seconds() - house.ahead_s + 1)
    assert (await one.end("offer"))["step"] == "sent"
    nowhere = await one.send("nowhere", "+883510000000", purpose="marketing")
    assert (nowhere["step"], nowhere["category"]) == ("blocked", "quiet_hours")


async def test_a_person_who_has_had_enough(house: House, tenant: Named) -> None:
    """What is one too many waits until the first of them counts no more; other purposes and other people do not."""
    one = tenant("rarely")
    for number in range(2):
        assert (await one.send(f"offer-{number}", PERSON, purpose="marketing"))["step"] == "sent"
    await one.ask("third", PERSON, purpose="marketing")
    waits = await one.seen(RESULTS.name, command_id="third", step="deferred")
    assert waits["category"] == "frequency"
    assert waits["receipt"]["view"]["capped"]["cap"] == {"messages": 2, "days": ENOUGH_S / 86_400}
    assert (await one.send("code", PERSON, purpose="authentication"))["step"] == "sent"
    assert (await one.send("hers", "+14155550124", purpose="marketing"))["step"] == "sent"
    assert [step["step"] for step in one.steps("third")] == ["accepted", "deferred"]
    await house.later(ENOUGH_S)
    assert (await one.end("third"))["step"] == "sent"
