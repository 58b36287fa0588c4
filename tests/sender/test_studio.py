"""Executions of Studio's flows, from the log to a simulated Twilio and back."""

import pytest

from services.domain.clock import later
from services.runtime.clock import now
from tests.sender.conftest import House
from tests.sender.flows import Flow, end, published, started, starting
from tests.sender.rig import WHATSAPP_SENDER, Desk, Service, said
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

    await eventually(asked, 20, "the flow's question, with its parameter")


async def test_a_command_that_comes_again_starts_nothing(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    command = starting(desk, flow, "twice", 2)
    await started(desk, command, command)
    await desk.until([command["command_id"]], "repeated")
    await end(desk, command)
    assert len(await flow.executions(command["to"])) == 1


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
