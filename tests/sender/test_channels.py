"""RCS and Messenger, on a real log and against a simulated Twilio."""

from typing import Any

from services.domain.results import CommandResult
from tests.sender.rig import AGENT, PAGE, SENDER, SERVICE, Desk, Service, said
from tests.waiting import eventually


async def ended(desk: Desk, command: dict[str, Any]) -> CommandResult:
    """Its terminal result, once it was produced."""
    await desk.produce({name: value for name, value in command.items() if value is not None})
    found: list[CommandResult] = []

    async def over() -> bool:
        found[:] = [one for one in await desk.results(command["command_id"]) if one.terminal]
        return bool(found)

    await eventually(over, 60, f"{command['command_id']} ends")
    return found[0]


async def posted(desk: Desk, result: CommandResult) -> dict[str, Any]:
    assert result.step == "sent", result
    [found] = [one["params"] for one in await desk.twilio.messages() if one["sid"] == result.message_sid]
    return dict(found)


async def test_by_messenger_one_answers_within_a_day(desk: Desk, shared_sender: Service) -> None:
    command = desk.command("unasked", to="messenger:1034567890123456") | {"from": PAGE}
    told = await ended(desk, command)
    assert (told.step, told.category) == ("blocked", "window_closed")
    await desk.heard(said(command, "hello"))
    params = await posted(desk, await ended(desk, command | {"command_id": command["command_id"] + "2"}))
    assert (params["To"], params["From"]) == (command["to"], PAGE)
    await desk.heard(said(command, "STOP"))
    told = await ended(desk, command | {"command_id": command["command_id"] + "3"})
    assert (told.step, told.category) == ("blocked", "suppressed")


async def test_by_rcs_one_writes_as_by_sms_and_a_stop_holds_for_both(desk: Desk, shared_sender: Service) -> None:
    phone = "+14155569001"
    command = desk.command("rcs", to=f"rcs:{phone}") | {"from": AGENT}
    params = await posted(desk, await ended(desk, command))
    assert (params["To"], params["From"]) == (f"rcs:{phone}", AGENT)
    # The agent is in a service, and so is whoever else sends from it.
    await desk.heard(said(command, "STOP", raw={"Body": "STOP", "MessagingServiceSid": SERVICE}))
    by_sms = {"to": phone, "from": SENDER, "messaging_service_sid": SERVICE}
    for number, ends in enumerate(({"to": f"rcs:{phone}", "from": AGENT}, by_sms)):
        told = await ended(desk, desk.command(f"rcs-{number}") | ends)
        assert (told.step, told.category) == ("blocked", "suppressed"), ends


async def test_a_fallback_is_posted_and_a_stop_to_it_counts(desk: Desk, shared_sender: Service) -> None:
    command = desk.command("back", to="+14155569002", messaging_service_sid=SERVICE, fallback_from=SENDER)
    params = await posted(desk, await ended(desk, command | {"from": None}))
    assert (params["To"], params["MessagingServiceSid"], params["FallbackFrom"]) == (command["to"], SERVICE, SENDER)
    assert "From" not in params
    await desk.heard(said(command | {"from": SENDER}, "STOP"))
    told = await ended(desk, command | {"command_id": command["command_id"] + "2", "from": None})
    assert (told.step, told.category) == ("blocked", "suppressed")


async def test_a_fallback_that_the_tenant_may_not_use_is_blocked(desk: Desk, shared_sender: Service) -> None:
    command = desk.command("barred", to="+14155569003", messaging_service_sid=SERVICE, fallback_from="+14155550199")
    told = await ended(desk, command | {"from": None})
    assert (told.step, told.category) == ("blocked", "allowed_senders")
