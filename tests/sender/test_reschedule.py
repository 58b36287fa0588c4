"""A command that waits goes at another time, on a real log and against a simulated Twilio."""

from typing import Any

from services.domain.clock import later
from services.runtime.clock import now
from tests.sender.rig import Desk, Service


def wish(command: dict[str, Any], ahead_s: float) -> dict[str, Any]:
    said = {"event_type": "reschedule_message", "by": "the tests", "not_before": later(now(), ahead_s)}
    return said | {name: command[name] for name in ("command_id", "tenant", "to")}


async def test_it_goes_at_the_last_time_that_was_said(desk: Desk, shared_sender: Service) -> None:
    sooner = desk.command("sooner", to="+14155567001", not_before=later(now(), 3600))
    still = desk.command("still", to="+14155567002", not_before=later(now(), 3600))
    never = desk.command("never", to="+14155567003")
    await desk.produce(sooner, still)
    await desk.until([sooner["command_id"], still["command_id"]], "deferred")
    # Under one key, so that they keep their order.
    wishes = wish(still, 2.0), wish(still, 7200.0), wish(sooner, 7200.0), wish(sooner, 2.0), wish(never, 5.0)
    await desk.produce(*wishes, key=b"one")
    await desk.until([sooner["command_id"]], "sent")
    await desk.until([never["command_id"]], "reschedule_refused")
    await desk.sent_once([sooner["command_id"]])
    assert "sent" not in await desk.steps(still["command_id"])
    # Its time has gone by, and it is refused once it is sent.
    await desk.produce(wish(sooner, 60.0))
    await desk.until([sooner["command_id"]], "reschedule_refused")
    await desk.sent_once([sooner["command_id"]])
