"""Registrations with US carriers, on a real log and a simulated Twilio: what waits, ends, and goes by itself."""

from itertools import count
from typing import Any

import aiohttp
import pytest

from services.domain.results import CommandResult
from services.operations.compliance.reading import SYNCED
from services.operations.synced import Compared, Wanted
from services.operations.synced import sync as synced
from tests.processes import settings_of
from tests.sender.conftest import House
from tests.sender.rig import SECRETS, SENDER, SERVICE, Desk, Service
from tests.sender.test_templates import end, posted
from tests.waiting import eventually

ACME = "AC" + "a" * 32
CAMPAIGN = "QE" + "1" * 32


class Carriers:
    """What acme has registered at Twilio, and what the sender knows of it."""

    def __init__(self, house: House, session: aiohttp.ClientSession) -> None:
        self._url, self._session = f"http://127.0.0.1:{house.simulator_port}/simulator", session
        self._settings = settings_of(house.settings, **SECRETS)

    async def put(self, path: str, content: Any) -> None:
        async with self._session.put(f"{self._url}/{path}", json=content) as answer:
            assert answer.status == 200, await answer.text()

    async def say(self, status: str | None, **campaign: Any) -> None:
        """The campaign of the service that the number is in has this status; None: there is none. Synced."""
        await self.put(f"services/{SERVICE}", {"account_sid": ACME, "numbers": [SENDER]})
        told = {"messaging_service_sid": SERVICE, "campaign_status": status, **campaign}
        await self.put(f"accounts/{ACME}/registrations", {"campaigns": {CAMPAIGN: told} if status else {}})
        [found] = [one async for one in synced(self._settings, SYNCED, Wanted("acme", allow_empty=True))]
        assert isinstance(found, Compared), found


@pytest.fixture
async def carriers(house: House, desk: Desk, shared_sender: Service) -> Any:
    async with aiohttp.ClientSession() as session:
        yield Carriers(house, session)


async def told(desk: Desk, command: dict[str, Any], step: str, times: int = 1) -> CommandResult:
    """The latest of so many results of this step."""
    found: list[CommandResult] = []

    async def there() -> bool:
        found[:] = [one for one in await desk.results(command["command_id"]) if one.step == step]
        return len(found) >= times

    await eventually(there, 60, f"{command['command_id']}: {times} times {step}")
    return found[-1]


async def test_what_waits_for_a_campaign_goes_by_itself_once_it_is_approved_though_it_was_suspended_meanwhile(
    carriers: Carriers, desk: Desk
) -> None:
    await carriers.say("IN_PROGRESS", has_embedded_links=False)
    command = desk.command(1, body="See https://example.com/1")
    await desk.produce(command)
    waits = await told(desk, command, "deferred")
    assert (waits.category, waits.terminal) == ("registration", False)
    await carriers.say("SUSPENDED", has_embedded_links=False)
    again = await told(desk, command, "deferred", 2)
    assert "SUSPENDED" in str(again.reason)
    await carriers.say("VERIFIED", has_embedded_links=False)
    sent, attempted = await told(desk, command, "sent"), await told(desk, command, "attempted")
    # A link that the campaign is registered without is told, and so is that it does not say how to stop.
    link, first = attempted.warnings
    assert link.startswith(f"campaign {CAMPAIGN} (MIXED): it is registered without links")
    assert "how to stop" in first
    assert (await posted(desk, sent))["Body"] == "See https://example.com/1"


async def test_a_number_whose_campaign_was_refused_ends_what_goes_to_the_us_and_nothing_else(
    carriers: Carriers, desk: Desk
) -> None:
    await carriers.say("VERIFIED")
    assert (await end(desk, desk.command(2))).step == "sent"
    await carriers.say("FAILED")
    numbers = count(10)

    async def blocked() -> bool:
        # The sender hears of it in its own time.
        return (await end(desk, desk.command(next(numbers)))).category == "registration"

    await eventually(blocked, 60, "the sender knows that it was refused")
    assert (await end(desk, desk.command(3) | {"to": "+14165550123"})).step == "sent"


async def test_a_number_without_a_campaign_ends_what_goes_to_the_us(carriers: Carriers, desk: Desk) -> None:
    await carriers.say("VERIFIED")
    assert (await end(desk, desk.command(40))).step == "sent"
    await carriers.say(None)
    numbers = count(41)

    async def blocked() -> bool:
        return (await end(desk, desk.command(next(numbers)))).category == "registration"

    await eventually(blocked, 60, "the sender knows that there is no campaign")
