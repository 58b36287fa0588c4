"""A sender killed while it starts an execution: nothing is started twice, and a person says what became of it."""

import signal

from services.operations.ambiguous import Outcome, resolve
from tests.processes import settings_of
from tests.sender.conftest import House, Start
from tests.sender.flows import end, in_flow, published, started, starting, stops_told
from tests.sender.rig import SECRETS, Desk, contact_of, said
from tests.waiting import eventually


async def test_killed_between_the_call_and_its_end_it_starts_nothing_twice(
    desk: Desk, house: House, start: Start
) -> None:
    flow = await published(house.simulator_port)
    first = start(TEST_FAILPOINT="attempt.called")
    command = starting(desk, flow, "killed", 8)
    await started(desk, command)
    await eventually(lambda: first.exit_code is not None, 60, "killed with the answer in its hands")
    assert first.exit_code == -signal.SIGKILL, first.tail()
    [(sid, _)] = await flow.executions(command["to"])
    start("another disk")
    told = await end(desk, command)
    assert told.step == "ambiguous"
    assert [found for found, _ in await flow.executions(command["to"])] == [sid]

    # A person looks at Twilio: somebody else's execution is no proof, this one is.
    other = await flow.start("+14155569999")
    for claimed in (other, sid):
        asked = settings_of(house.settings, **SECRETS)
        found = [{"command_id": command["command_id"], "tenant": "acme", "contact": contact_of(command)}]
        assert await resolve(asked, found, None, Outcome(claimed, "the tests")) == "acme"
        await desk.until([command["command_id"]], "resolution_refused" if claimed == other else "sent")
    told = (await desk.results(command["command_id"]))[-1]
    assert (told.step, told.execution_sid) == ("sent", sid)
    assert [found for found, _ in await flow.executions(command["to"])] == [sid]


async def test_killed_between_an_end_and_its_fact_it_is_told_once(desk: Desk, house: House, start: Start) -> None:
    flow = await published(house.simulator_port)
    first = start(TEST_FAILPOINT="execution.stopped")
    command = starting(desk, flow, "killed", 28)
    sid = await in_flow(desk, flow, command)
    await desk.heard(said(command, "STOP"))
    await eventually(lambda: first.exit_code is not None, 60, "killed with the answer in its hands")
    assert first.exit_code == -signal.SIGKILL, first.tail()
    assert await stops_told(desk, sid) == []
    start("another disk")

    async def once() -> bool:
        return len(await stops_told(desk, sid)) == 1

    await eventually(once, 90, "told by the next")
    assert await flow.executions(command["to"]) == [(sid, "ended")]
