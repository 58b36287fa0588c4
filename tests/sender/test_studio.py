"""Executions of Studio's flows, from the log to a simulated Twilio and back."""

from typing import Any

import pytest

from services.contract.studio import EXPOSURES
from services.domain.clock import later
from services.domain.messages.commands import CancelMessage
from services.operations.producing import produce
from services.runtime.clock import now
from tests.processes import settings_of
from tests.sender.conftest import House
from tests.sender.flows import Flow, end, published, records_of, started, starting
from tests.sender.rig import SECRETS, SERVICE, WHATSAPP_SENDER, Desk, Service, contact_of, said
from tests.waiting import eventually


@pytest.fixture
async def flow(desk: Desk, house: House) -> Flow:
    """At a Twilio that answers, which `desk` has waited for."""
    return await published(house.simulator_port)


async def test_an_execution_is_started_and_told_by_its_sid(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    command = starting(desk, flow, "survey", 1)
    await started(desk, command)
    told = await end(desk, command)
    assert (told.step, told.terminal, told.message_sid) == ("sent", True, None)
    assert await flow.executions(command["to"]) == [(told.execution_sid, "active")]

    async def asked() -> bool:
        return "Dear Ann, satisfied?" in [one["resource"]["body"] for one in await desk.twilio.messages()]

    await eventually(asked, what="the flow's question, with its parameter")


async def test_a_command_that_comes_again_starts_nothing(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    command = starting(desk, flow, "twice", 2)
    await started(desk, command, command)
    await desk.until([command["command_id"]], "repeated")
    await end(desk, command)
    assert len(await flow.executions(command["to"])) == 1


async def test_an_account_starts_no_more_a_second_than_twilio_takes_whoever_is_the_sender(
    desk: Desk, flow: Flow, shared_sender: Service
) -> None:
    service = {"from": None, "messaging_service_sid": SERVICE}
    senders: tuple[dict[str, Any], ...] = ({}, service)
    commands = [starting(desk, flow, f"many-{number}", 300 + number, **senders[number % 2]) for number in range(50)]
    await started(desk, *commands)
    await desk.until([one["command_id"] for one in commands], "sent")
    steps = [told.step for one in commands for told in await desk.results(one["command_id"])]
    # A stall on the way may bring some together.
    assert steps.count("retrying") <= 2


async def test_a_stop_before_it_blocks_it(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    command = starting(desk, flow, "stopped", 3)
    await desk.heard(said(command, "STOP"))
    await started(desk, command)
    told = await end(desk, command)
    assert (told.step, told.category) == ("blocked", "suppressed")
    assert await flow.executions(command["to"]) == []


async def test_by_whatsapp_a_window_is_asked_for(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    whom = {"to": "whatsapp:+14155560004", "from": WHATSAPP_SENDER}
    command = starting(desk, flow, "unasked", 4, **whom)
    await started(desk, command)
    told = await end(desk, command)
    assert (told.step, told.category) == ("blocked", "window_closed")
    await desk.heard(said(command, "hello"))
    command = starting(desk, flow, "asked", 4, **whom)
    await started(desk, command)
    assert (await end(desk, command)).step == "sent"


async def test_who_is_in_a_flow_already_is_left_there(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    command = starting(desk, flow, "leave", 5)
    standing = await flow.start(command["to"])
    await started(desk, command)
    told = await end(desk, command)
    assert (told.step, told.code, told.execution_sid) == ("failed", 20409, standing)
    assert await flow.executions(command["to"]) == [(standing, "active")]


async def test_or_is_taken_out_and_starts_anew(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    command = starting(desk, flow, "restart", 6, conflict="restart")
    standing = await flow.start(command["to"])
    await started(desk, command)
    told = await end(desk, command)
    assert told.step == "sent"
    assert await flow.executions(command["to"]) == [(standing, "ended"), (told.execution_sid, "active")]


async def test_what_waits_for_its_time_is_canceled(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    command = starting(desk, flow, "later", 7, not_before=later(now(), 3600))
    wish = {"event_type": "cancel_execution", "by": "the tests"}
    await started(desk, command, wish | {name: command[name] for name in ("command_id", "tenant", "to")})
    await desk.until([command["command_id"]], "canceled")
    assert await flow.executions(command["to"]) == []


async def test_switchboard_cancel_does_so_too(desk: Desk, house: House, flow: Flow, shared_sender: Service) -> None:
    """It says so on the topic of messages: of whatever product a command is."""
    command = starting(desk, flow, "also-later", 9, not_before=later(now(), 3600))
    await started(desk, command)
    await desk.until([command["command_id"]], "deferred")
    names = {name: command[name] for name in ("command_id", "tenant", "to")}
    await produce(settings_of(house.settings, **SECRETS), CancelMessage(**names, by="the tests"))
    await desk.until([command["command_id"]], "canceled")
    assert await flow.executions(command["to"]) == []


async def test_who_is_started_in_an_arm_is_exposed_to_it_once(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    """Not before Twilio has taken it, and not again by a later command."""
    experiment = {"name": f"wording-{flow.sid}", "arms": [{"name": "warm", "parameters": {"name": "Zoe"}}]}
    first = starting(desk, flow, "exposed", 10, experiment=experiment, conflict="restart")
    in_the_way = starting(desk, flow, "not-exposed", 11, experiment=experiment)
    await flow.start(in_the_way["to"])
    await started(desk, in_the_way, first)
    assert (await end(desk, in_the_way)).step == "failed"
    told = await end(desk, first)
    again = {**first, "command_id": f"{first['command_id']}-again"}
    await started(desk, again)
    assert (await end(desk, again)).step == "sent"

    async def exposed() -> bool:
        records = await records_of(desk.bootstrap, EXPOSURES.name)
        return len([one for one in records if one["experiment"] == experiment["name"]]) > 0

    await eventually(exposed, 30, "told")
    records = await records_of(desk.bootstrap, EXPOSURES.name)
    [one] = [one for one in records if one["experiment"] == experiment["name"]]
    assert (one["arm"], one["command_id"], one["execution_sid"]) == ("warm", first["command_id"], told.execution_sid)
    assert one["contact"] == contact_of(first)
    bodies = [message["resource"]["body"] for message in await desk.twilio.messages()]
    assert any("Zoe" in body for body in bodies)
