"""Who is who, and what they want: addresses, keywords, opt-outs, windows."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.contract.consent import CONSENT
from services.contract.messages import INBOUND, SESSIONS, STATUS
from tests.cases.house import NUMBER, SERVICE, TEMPLATE, WHATSAPP, House, Tenant, sid
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")
Named = Callable[[str], Tenant]
PERSON = "+14155550123"
ON_WHATSAPP = f"whatsapp:{PERSON}"
SIBLING = "+14155550101"


def ended(result: dict[str, object]) -> tuple[object, object]:
    return result["step"], result["category"]


SENT = ("sent", None)
SUPPRESSED = ("blocked", "suppressed")


async def test_mx_521_reply(tenant: Named) -> None:
    """What WhatsApp delivers as +521 and ten digits can be answered, in both spellings: it is one person."""
    mx = tenant("mx")
    await mx.hear("hola", "whatsapp:+5215512345678", WHATSAPP, WaId="5215512345678")
    first = await mx.send("mx-1", "whatsapp:+5215512345678")
    second = await mx.send("mx-2", "whatsapp:+525512345678")
    assert (ended(first), ended(second)) == (SENT, SENT)
    assert first["contact"] == second["contact"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("ci", "whatsapp:+22507123456", "whatsapp:+2250707123456"),
        ("bj", "whatsapp:+22961000000", "whatsapp:+2290161000000"),
    ],
)
async def test_ci_bj_renumbered(house: House, tenant: Named, name: str, old: str, new: str) -> None:
    """Both spellings of a renumbered plan are one person, for the no and for the yes."""
    one = tenant(name)
    await one.hear("STOP", old, WHATSAPP)
    for number, to in enumerate((new, old)):
        assert ended(await one.send(f"no-{number}", to, content_sid=TEMPLATE)) == SUPPRESSED
    await house.later(120)
    await one.hear("START", new, WHATSAPP)
    for number, to in enumerate((new, old)):
        assert ended(await one.send(f"yes-{number}", to)) == SENT


async def test_button_stop(tenant: Named) -> None:
    """A tap on an opt-out button is as explicit as a typed word; a payload that only begins with one is not."""
    one = tenant("button")
    taps = (
        {"Body": "No more offers", "ButtonText": "No more offers", "ButtonPayload": "STOP"},
        {"Body": "Stop promotions", "ButtonText": "Stop promotions", "ButtonPayload": "Stop promotions"},
        {"Body": "Detener promociones", "ButtonText": "Detener promociones", "ButtonPayload": "Detener promociones"},
        {"Body": "Parar promoções", "ButtonText": "Parar promoções", "ButtonPayload": "Parar promoções"},
        {"Body": "Unsubscribe me", "ListId": "STOP", "ListTitle": "Unsubscribe me"},
    )
    for number, tap in enumerate(taps):
        person = f"whatsapp:+1415555013{number}"
        status, _ = await one.post("messages", {"From": person, "To": WHATSAPP, "MessageType": "button", **tap})
        assert status == 200
        assert ended(await one.send(f"promo-{number}", person, content_sid=TEMPLATE)) == SUPPRESSED, tap
    control = "whatsapp:+14155550139"
    tap = {"Body": "Details", "ButtonText": "Details", "ButtonPayload": "stop-42-details"}
    await one.post("messages", {"From": control, "To": WHATSAPP, "MessageType": "button", **tap})
    assert ended(await one.send("promo-c", control, content_sid=TEMPLATE)) == SENT

    def out() -> set[str]:
        said = [one for one in one.events(CONSENT.name) if one["event_type"] == "consent_recorded"]
        return {one["contact"] for one in said if one["action"] == "opt_out"}

    await eventually(lambda: len(out()) >= len(taps), what="each opt-out is on the log")
    assert len(out()) == len(taps)


async def test_parent_bsuid(tenant: Named) -> None:
    """A parent id is an id: answerable, one contact however its country is written, linked to the phone."""
    one = tenant("parent")
    parent = "US.ENT.20000000000000000001"
    await one.hear("hi", f"whatsapp:{parent}", WHATSAPP, ExternalUserId=parent)
    first = await one.send("ent-1", f"whatsapp:{parent}", body="hello")
    assert ended(first) == SENT
    assert (await one.consent("ent-2", f"us.{parent[3:]}", "opt_out"))["contact"] == first["contact"]
    assert ended(await one.send("ent-3", f"whatsapp:{parent}", content_sid=TEMPLATE)) == SUPPRESSED
    other = "US.ENT.20000000000000000002"
    await one.hear("STOP", ON_WHATSAPP, WHATSAPP, ExternalUserId=other)
    await one.seen(CONSENT.name, event_type="link_recorded")
    await eventually(lambda: _blocked(one, f"whatsapp:{other}"), what="the no has travelled over the link")


async def _blocked(one: Tenant, to: str) -> bool:
    return ended(await one.send(f"linked-{sid()}", to, content_sid=TEMPLATE)) == SUPPRESSED


@pytest.mark.parametrize(
    ("number", "word", "end"),
    [("+18885550100", "Yes", SUPPRESSED), ("+18885550100", "START", SENT), (NUMBER, "YES", SENT)],
)
async def test_toll_free_yes(house: House, tenant: Named, number: str, word: str, end: tuple[str, str]) -> None:
    """On a toll-free number only START and UNSTOP lift the network's block."""
    one = tenant("toll-free")
    person = f"+1415555{'0140' if word == 'Yes' else '0141' if word == 'START' else '0142'}"
    await one.hear("STOP", person, number)
    await house.later(120)
    await one.hear(word, person, number)
    assert ended(await one.send(f"tf-{word}", person, from_=number)) == end


@pytest.mark.parametrize("code", [63014, 63033])
async def test_63033_is_an_opt_out(house: House, tenant: Named, code: int) -> None:
    """Who leaves inside WhatsApp is heard by the code, of a callback or of the create's refusal; not by 63032."""
    one = tenant("left")
    by_callback, by_create = f"whatsapp:+1415555{code % 100:02}50", f"whatsapp:+1415555{code % 100:02}51"
    ends = {"MessageStatus": "undelivered", "ErrorCode": str(code), "From": WHATSAPP, "To": by_callback}
    await one.post("status", ends)
    await one.seen(CONSENT.name, source=f"twilio_{code}")
    assert ended(await one.send(f"mk-{code}", by_callback, content_sid=TEMPLATE)) == SUPPRESSED
    await house.twilio("PUT", "errors", {"refused": {by_create: code}})
    assert (await one.send(f"mk-{code}-first", by_create, content_sid=TEMPLATE))["step"] == "failed"
    assert ended(await one.send(f"mk-{code}-then", by_create, content_sid=TEMPLATE)) == SUPPRESSED
    await house.twilio("PUT", "errors", {})
    await house.later(120)
    await one.hear("START", by_callback, WHATSAPP)
    assert ended(await one.send(f"mk-{code}-again", by_callback, content_sid=TEMPLATE)) == SENT
    other = f"whatsapp:+1415555{code % 100:02}52"
    await one.post("status", {**ends, "To": other, "ErrorCode": "63032"})
    assert ended(await one.send(f"mk-{code}-other", other, content_sid=TEMPLATE)) == SENT


@pytest.mark.parametrize("channel", ["rcs", "sms"])
async def test_stop_on_sibling(house: House, tenant: Named, channel: str) -> None:
    """A STOP to a service stops its numbers; a START at a sibling whose webhook names the service lifts it for all."""
    one, person = tenant("sibling"), f"+1415555016{len(channel) % 2}"
    for number in (NUMBER, SIBLING):
        form = {"MessageStatus": "delivered", "From": number, "To": "+14155550199", "MessagingServiceSid": SERVICE}
        await one.post("status", form)
        await one.seen(STATUS.name, to="+14155550199")
    stop = ("rcs:" + person, "rcs:acme_agent") if channel == "rcs" else (person, NUMBER)
    await one.hear("STOP", *stop, MessagingServiceSid=SERVICE)
    await eventually(lambda: _stopped(one, person, SIBLING), what="the STOP reaches the sibling")
    await house.later(120)
    await one.hear("START", person, SIBLING, MessagingServiceSid=SERVICE)
    assert ended(await one.send(f"sib-2-{channel}", person, messaging_service_sid=SERVICE)) == SENT
    assert ended(await one.send(f"sib-3-{channel}", person, from_=NUMBER)) == SENT


async def _stopped(one: Tenant, person: str, sender: str) -> bool:
    return ended(await one.send(f"sib-{sid()}", person, from_=sender)) == SUPPRESSED


async def test_window_without_service(tenant: Named) -> None:
    """A window is the person's with the number, also for a command that names only the number's service."""
    one = tenant("window")
    await one.hear("hi", ON_WHATSAPP, WHATSAPP, MessagingServiceSid="")
    unknown = await one.send("win-0", ON_WHATSAPP, messaging_service_sid=SERVICE)
    assert ended(unknown) == ("blocked", "window_closed")
    assert "has not written" not in unknown["reason"]
    form = {"MessageStatus": "delivered", "From": WHATSAPP, "To": "whatsapp:+14155550199"}
    await one.post("status", {**form, "MessagingServiceSid": SERVICE})
    await eventually(lambda: _sent_by_service(one), what="the number is known to be the service's")


async def _sent_by_service(one: Tenant) -> bool:
    return ended(await one.send(f"win-{sid()}", ON_WHATSAPP, messaging_service_sid=SERVICE)) == SENT


async def test_63016_closes_window(house: House, tenant: Named) -> None:
    """Twilio's 63016 is the better witness: the window is closed, told as expired, and opens with the next message."""
    one, person = tenant("late"), "whatsapp:+14155550290"
    await one.hear("hi", person, WHATSAPP)
    await house.twilio("PUT", "errors", {"undelivered": {person: 63016}})
    assert ended(await one.send("late-1", person)) == SENT
    await one.seen(SESSIONS.name, change="expired", sender=WHATSAPP)
    await house.twilio("PUT", "errors", {})
    assert ended(await one.send("late-2", person)) == ("blocked", "window_closed")
    await house.later(5)
    await one.hear("still there?", person, WHATSAPP)
    assert ended(await one.send("late-3", person)) == SENT


MEANT = ("Stop. Thank you", "STOP please", "please stop sending text reminders", "Stop texting me", "unsubscribe me")
NOT_MEANT = (
    "Count me in! We have to STOP this bill",
    "STOP 12345",
    "don't stop",
    "Liked “Reply STOP to end”",
    "the bus stop is closed",
)


async def test_polite_stop(tenant: Named) -> None:
    """What is meant as an opt-out and is no keyword is suspected, and marketing waits for a person."""
    one = tenant("polite")
    people = {body: f"+1415555017{number}" for number, body in enumerate((*MEANT, *NOT_MEANT))}
    await asyncio.gather(*(one.hear(body, person) for body, person in people.items()))
    sent = (one.send(f"not-{number}", people[body], purpose="marketing") for number, body in enumerate(NOT_MEANT))
    assert [ended(told) for told in await asyncio.gather(*sent)] == [SENT] * len(NOT_MEANT)

    def suspected() -> list[dict[str, Any]]:
        return [event for event in one.events(CONSENT.name) if event["event_type"] == "opt_out_suspected"]

    await eventually(lambda: len(suspected()) >= len(MEANT), what="each is suspected")
    assert len(suspected()) == len(MEANT)
    assert not any("Stop" in str(event.values()) for event in suspected())
    for number, body in enumerate(MEANT):
        await one.ask(f"meant-{number}", people[body], purpose="marketing")
    for number, body in enumerate(MEANT):
        await eventually(lambda number=number: _deferred(one, f"meant-{number}"), what=f"{body} defers marketing")
    useful = (one.send(f"useful-{number}", people[body], purpose="utility") for number, body in enumerate(MEANT))
    assert [ended(told) for told in await asyncio.gather(*useful)] == [SENT] * len(MEANT)
    by_contact = {event["contact"]: event["message_sid"] for event in suspected()}
    contact = one.steps("meant-0")[0]["contact"]
    await one.consent("is-none", people[MEANT[0]], "dismiss", message_sid=by_contact[contact])
    assert ended(await one.end("meant-0")) == SENT
    await one.consent("is-one", people[MEANT[1]], "opt_out")
    assert ended(await one.end("meant-1")) == SUPPRESSED


def _deferred(one: Tenant, command_id: str) -> bool:
    return any(step["step"] == "deferred" for step in one.steps(command_id))


async def test_stop_start_20s(house: House, tenant: Named) -> None:
    """STOP and START within a minute settle themselves by Twilio's own dates."""
    one = tenant("taken-back")
    for number, word in enumerate(("STOP", "START")):
        heard = {"account_sid": one.account, "from": PERSON, "to": NUMBER, "body": word}
        assert (await house.twilio("POST", "inbound", heard))["status"] == 200
        await house.later(20 if number == 0 else 0)
    await eventually(lambda: _released(one), 60, "the later word counts")


async def _released(one: Tenant) -> bool:
    return ended(await one.send(f"re-{sid()}", PERSON)) == SENT


async def test_accented_keyword(tenant: Named) -> None:
    """A stop word is heard with and without its accents, and by chance never."""
    one = tenant("accents")
    for number, body in enumerate(("Arrêt", "ARRÊT.", "arrêt", "ＡＲＲＥＴ", "रोकें")):
        person = f"+1514555018{number}"
        await one.hear(body, person, "+15145550100")
        assert ended(await one.send(f"fr-{number}", person, from_="+15145550100")) == SUPPRESSED, body
    for number, body in enumerate(("arrêter", "रोक")):
        person = f"+1514555019{number}"
        await one.hear(body, person, "+15145550100")
        assert ended(await one.send(f"frr-{number}", person, from_="+15145550100")) == SENT, body


async def test_cancel_my_appointment(tenant: Named) -> None:
    """A tenant takes a word off the list; for all others it stays an opt-out."""
    for name, end in (("appointments", SENT), ("numeric", SUPPRESSED)):
        one = tenant(name)
        await one.hear("CANCEL", PERSON, NUMBER, MessagingServiceSid=SERVICE)
        told = await one.send("appt-1", PERSON, messaging_service_sid=SERVICE, body="Your appointment is cancelled.")
        assert ended(told) == end, name


async def test_no_reply_senders(tenant: Named) -> None:
    """Every message is kept with a stable key; no name, short code or number of ours is answered."""
    one = tenant("robots")
    senders = ("68849", "SUPPORT", "SUPPORT", "+1210", "", "messenger:1234567890123456", "14155550123", NUMBER)
    bodies = ("HELP", "You have a new reply. HELP", "help", "hi", "hi", "STOP", "STOP", "HELP")
    for sender, body in zip(senders, bodies, strict=True):
        answer = await one.hear(body, sender)
        assert "<Message>" not in answer, sender
    await eventually(lambda: len(one.events(INBOUND.name)) == len(senders), what="all are kept")
    keys = {event["from"]: event["contact"] for event in one.events(INBOUND.name)}
    assert len(set(keys.values())) == len(set(senders))
    refused = await one.send("sc-1", "68849")
    assert refused["step"] == "rejected"
    assert "short code" in refused["reason"]
    assert ended(await one.send("plus-1", PERSON)) == SUPPRESSED, "14155550123 is that person"
