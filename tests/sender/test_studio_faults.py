"""A sender killed while it starts an execution: nothing is started twice, and a person says what became of it."""

import signal

from tests.sender.conftest import House, Start
from tests.sender.flows import end, published, started, starting
from tests.sender.rig import Desk
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
        resolution = {
            "event_type": "resolve_execution",
            "outcome": "sent",
            "by": "the tests",
            "execution_sid": claimed,
            **{name: command[name] for name in ("command_id", "tenant", "to")},
        }
        await started(desk, resolution)
        await desk.until([command["command_id"]], "resolution_refused" if claimed == other else "sent")
    told = (await desk.results(command["command_id"]))[-1]
    assert (told.step, told.execution_sid) == ("sent", sid)
    assert [found for found, _ in await flow.executions(command["to"])] == [sid]
