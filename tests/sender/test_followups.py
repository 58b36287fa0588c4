"""Commands about messages that exist, from the log to a simulated Twilio and back."""

import json
import uuid
from typing import Any

from services.contract.followups import FOLLOWUPS
from services.domain.results import CommandResult
from tests.kafka_records import produce
from tests.sender.rig import AGENT, WHATSAPP_SENDER, Desk, Service, said
from tests.waiting import eventually

# In the order of the walk: what may be done again, and in the end what takes it away.
ACTIONS: tuple[dict[str, Any], ...] = (
    {"action": "feedback", "outcome": "confirmed"},
    {"action": "redact"},
    {"action": "redact"},
    {"action": "delete"},
    {"action": "delete"},
)


def about(command: dict[str, Any], **fields: Any) -> dict[str, Any]:
    found = {"command_id": uuid.uuid4().hex, "tenant": "acme", "to": command["to"], **fields}
    if "message_sid" not in fields:
        found.setdefault("of_command", command["command_id"])
    return found


async def asked(desk: Desk, *commands: dict[str, Any]) -> None:
    await produce(desk.bootstrap, FOLLOWUPS.name, [(None, json.dumps(one).encode()) for one in commands])


async def end(desk: Desk, command: dict[str, Any]) -> CommandResult:
    """Its terminal result."""
    found: list[CommandResult] = []

    async def over() -> bool:
        found[:] = [one for one in await desk.results(command["command_id"]) if one.terminal]
        return bool(found)

    await eventually(over, 90, f"{command} ends")
    return found[0]


async def done(desk: Desk, command: dict[str, Any]) -> CommandResult:
    await asked(desk, command)
    return await end(desk, command)


async def sent(desk: Desk, command: dict[str, Any]) -> str:
    """The SID of a message that a command created, once it was delivered."""
    await desk.produce(command)
    sid = (await end(desk, command)).message_sid
    assert sid is not None

    async def ended() -> bool:
        return (await at_twilio(desk, sid))["resource"]["status"] in ("delivered", "read")

    await eventually(ended, 30, f"{sid} is delivered")
    return sid


async def at_twilio(desk: Desk, sid: str) -> dict[str, Any]:
    [found] = [one for one in await desk.twilio.messages() if one["sid"] == sid]
    return found


async def test_a_message_is_told_of_emptied_and_deleted_by_its_command(desk: Desk, shared_sender: Service) -> None:
    command = desk.command("walk", to="+14155568001")
    sid = await sent(desk, command)
    for action in ACTIONS:
        told = await done(desk, about(command, **action))
        assert (told.step, told.message_sid) == ("sent", sid), (action, told)
        found = await at_twilio(desk, sid)
        assert found["resource"]["body"] == ("" if action["action"] != "feedback" else command["body"])
        assert found["deleted"] == (action["action"] == "delete")
    told = await done(desk, about(command, action="redact"))
    assert (told.step, told.code) == ("failed", 20404), "what is gone cannot be emptied"


async def test_its_command_may_come_later_and_the_same_again_does_nothing_more(
    desk: Desk, shared_sender: Service
) -> None:
    command = desk.command("late", to="+14155568002")
    wish = about(command, action="redact")
    await asked(desk, wish, wish)
    await desk.until([wish["command_id"]], "retrying", "repeated")
    await desk.produce(command)
    told = await end(desk, wish)
    assert (told.step, told.message_sid) == ("sent", (await end(desk, command)).message_sid)
    assert told.contact is not None
    assert told.contact.startswith("acme|")
    assert "follow-up" not in told.contact


async def test_who_said_stop_is_emptied_too_and_a_stranger_is_not_touched(desk: Desk, shared_sender: Service) -> None:
    command = desk.command("stopped", to="+14155568003")
    sid = await sent(desk, command)
    await desk.heard(said(command, "STOP"))
    assert (await done(desk, about(command, action="redact", message_sid=sid))).step == "sent"
    theirs = await desk.twilio.hear("+14155568004", "+14155550100", "hello")
    foreign = about(command, action="delete", message_sid="SM" + "9" * 32)
    told = await done(desk, foreign)
    assert (told.step, told.code) == ("failed", 20404), "nothing was deleted, and nothing else is said"
    for sid_of_another, action in ((theirs, "delete"), (theirs, "redact")):
        told = await done(desk, about(command, action=action, message_sid=sid_of_another))
        assert (told.step, told.code) == ("failed", None)
    assert (await done(desk, about(command, action="redact", message_sid="SM" + "9" * 32))).code == 20404
    assert not (await at_twilio(desk, theirs))["deleted"]
    never = about(command, action="delete", of_command="never")
    await asked(desk, never)
    await desk.until([never["command_id"]], "retrying")


async def test_what_has_not_ended_is_left_whole_and_holds_up_no_message(desk: Desk, shared_sender: Service) -> None:
    waiting = desk.command("unfinished", to="+14155568015", media_urls=["https://example.com/1.jpg"])
    await desk.twilio.faults(callback_delay_s=60.0)
    await desk.produce(waiting)
    sid = (await end(desk, waiting)).message_sid
    assert sid is not None
    wishes = [about(waiting, action=action) for action in ("delete", "redact")]
    await asked(desk, *wishes)
    await desk.until([one["command_id"] for one in wishes], "retrying")
    other = desk.command("other", to="+14155568017")
    await desk.produce(other)
    assert (await end(desk, other)).step == "sent"
    assert (await at_twilio(desk, sid))["resource"]["body"] == waiting["body"]


async def test_media_are_deleted_first_however_many(desk: Desk, shared_sender: Service) -> None:
    media = [f"https://example.com/{number}.jpg" for number in range(5)]
    command = desk.command("media", to="+14155568005", media_urls=media)
    sid = await sent(desk, command)
    assert sid.startswith("MM")
    told = await done(desk, about(command, action="delete"))
    assert (told.step, (await at_twilio(desk, sid))["deleted"]) == ("sent", True)
    assert told.attempt > 1, "so many calls are more than one attempt's"


async def test_typing_is_shown_to_who_wrote_by_rcs(desk: Desk, shared_sender: Service) -> None:
    command = desk.command("typing-rcs", to="rcs:+14155568026") | {"from": AGENT}
    sid = await desk.twilio.hear(command["to"], AGENT, "hello")
    assert (await done(desk, about(command, action="typing", message_sid=sid))).step == "sent"
    await desk.heard(said(command, "STOP"))
    told = await done(desk, about(command, action="typing", message_sid=sid))
    assert (told.step, told.category) == ("blocked", "suppressed")


async def test_typing_is_shown_to_who_wrote_by_whatsapp(desk: Desk, shared_sender: Service) -> None:
    command = desk.command("typing", to="whatsapp:+14155568006") | {"from": WHATSAPP_SENDER}
    sid = await desk.twilio.hear(command["to"], WHATSAPP_SENDER, "hello")
    assert (await done(desk, about(command, action="typing", message_sid=sid))).step == "sent"
    # Who has not said no is asked about, and somebody else's message is named.
    stranger = desk.command("stranger", to="whatsapp:+14155568016")
    told = await done(desk, about(stranger, action="typing", message_sid=sid))
    assert (told.step, told.code) == ("failed", None)
    by_sms = await desk.twilio.hear("+14155568006", "+14155550100", "hello")
    assert (await done(desk, about(command, action="typing", message_sid=by_sms))).step == "failed"
    await desk.heard(said(command, "STOP"))
    told = await done(desk, about(command, action="typing", message_sid=sid))
    assert (told.step, told.category) == ("blocked", "suppressed")
