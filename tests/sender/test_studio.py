"""Executions of Studio's flows, from the log to a simulated Twilio and back; a STOP ends what its contact is in."""

from typing import Any

import msgspec
import pytest

from services.contract.messages import INBOUND
from services.contract.studio import EXPOSURES
from services.domain.clock import later
from services.domain.messages.commands import CancelMessage
from services.operations.producing import produce
from services.runtime.clock import now
from tests.kafka_records import produce as put
from tests.processes import settings_of
from tests.sender.conftest import House
from tests.sender.flows import Flow, end, in_flow, published, records_of, started, starting, stops_told
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


async def has(flow: Flow, to: str, sid: str, status: str) -> None:
    async def so() -> bool:
        return (sid, status) in await flow.executions(to)

    await eventually(so, 60, f"{sid} {status}")


async def test_what_a_command_started_is_ended_by_a_stop_and_told_once(
    desk: Desk, flow: Flow, shared_sender: Service
) -> None:
    command = starting(desk, flow, "ended", 21)
    await started(desk, command)
    sid = str((await end(desk, command)).execution_sid)
    stop = said(command, "STOP")
    await desk.heard(stop)
    await has(flow, command["to"], sid, "ended")

    async def once() -> bool:
        return len(await stops_told(desk, sid)) == 1

    await eventually(once, 30, "told")
    [fact] = await stops_told(desk, sid)
    assert (fact.tenant, fact.contact, fact.flow_sid) == ("acme", contact_of(command), flow.sid)
    assert (fact.by, fact.outcome) == (stop.event_id, "ended")


async def test_what_the_person_began_is_ended_also_where_it_is_known_after_the_stop(
    desk: Desk, flow: Flow, shared_sender: Service
) -> None:
    command, other = starting(desk, flow, "began", 22), starting(desk, flow, "else", 23)
    fields = {"started_at": now()}
    await desk.heard(said(command, "STOP"))
    ended = await in_flow(desk, flow, command, **fields)
    going_on = await in_flow(desk, flow, other)
    await has(flow, command["to"], ended, "ended")
    assert await flow.executions(other["to"]) == [(going_on, "active")], "another person's"


async def test_the_word_of_another_tenants_person_ends_nothing(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    """One number may be known to two tenants; what each is told is theirs."""
    command, marker = starting(desk, flow, "tenant", 24), starting(desk, flow, "marker", 25)
    sid, ended = await in_flow(desk, flow, command), await in_flow(desk, flow, marker)
    contact = contact_of(command).replace("acme", "globex")
    foreign = msgspec.structs.replace(said(command, "STOP"), tenant="globex", contact=contact)
    await put(desk.bootstrap, INBOUND.name, [(INBOUND.key(foreign).encode(), msgspec.json.encode(foreign))])
    await desk.heard(said(marker, "STOP"))
    await has(flow, marker["to"], ended, "ended")
    assert await flow.executions(command["to"]) == [(sid, "active")]


async def test_it_is_tried_until_twilio_does_it(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    command = starting(desk, flow, "late", 26)
    sid = await in_flow(desk, flow, command)
    await desk.twilio.faults(error_before=1.0)
    await desk.heard(said(command, "STOP"))
    await eventually(lambda: "cannot be ended" in shared_sender.tail(), 30, "refused")
    await desk.twilio.faults()
    await has(flow, command["to"], sid, "ended")


async def test_what_twilio_does_not_know_any_more_is_over(desk: Desk, flow: Flow, shared_sender: Service) -> None:
    command = starting(desk, flow, "deleted", 27)
    await flow.delete(sid := await in_flow(desk, flow, command))
    await desk.heard(said(command, "STOP"))

    async def over() -> bool:
        return [one.outcome for one in await stops_told(desk, sid)] == ["over"]

    await eventually(over, 60, "an outcome, and no error")
