"""A STOP ends what its contact is in, at Twilio: at a real log, through a kill, and once."""

import msgspec
import pytest

from services.contract.messages import INBOUND
from services.runtime.clock import now
from tests.kafka_records import produce
from tests.sender.conftest import House
from tests.sender.flows import Flow, end, in_flow, published, started, starting, stops_told
from tests.sender.rig import Desk, Service, contact_of, said
from tests.waiting import eventually


@pytest.fixture
async def flow(desk: Desk, house: House) -> Flow:
    return await published(house.simulator_port)


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
    await produce(desk.bootstrap, INBOUND.name, [(INBOUND.key(foreign).encode(), msgspec.json.encode(foreign))])
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
