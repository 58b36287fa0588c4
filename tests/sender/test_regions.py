"""Three tenants, one in each region of Twilio: calls go to its host by its credentials, its token signs webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from services.domain.messages.effects import MessageCreated
from services.operations.calling import TwilioError
from services.operations.senders import listed
from services.runtime import http
from services.runtime.config import Settings
from services.runtime.line import Line
from services.runtime.regions import Region, regional
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.simulated import FaultSettings, SimulatorSettings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.messages.listing import Listing
from services.sender.outcomes import Refusal
from services.simulator.app import serve
from tests.sender.gateway import Gateway
from tests.sender.histories import accepted

REGIONS: dict[str, Region] = {"1": "us1", "2": "ie1", "3": "au1"}
TWILIO = "https://api.twilio.com"


def tenant(number: str, region: Region, **other: Any) -> TenantSettings:
    """Each with tokens of its own, as each region has."""
    return TenantSettings(
        account_sid="AC" + number * 32, auth_tokens=[SecretStr(f"token of {REGIONS[number]}")],
        contact_secret=SecretStr("c"), region=region, **other,
    )  # fmt: skip


TENANTS = {region: tenant(number, region) for number, region in REGIONS.items()}


class World(NamedTuple):
    """A Twilio with its regions, what it posted to us, and the way to it."""

    url: str
    line: Line
    posted: list[tuple[str, str, dict[str, str]]]
    session: aiohttp.ClientSession

    async def create(self, of: TenantSettings) -> Any:
        return await Gateway(of, self.line, self.url).create(accepted(), None)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    # What Twilio's package would read: settings are the one place.
    monkeypatch.setenv("TWILIO_REGION", "br1")
    monkeypatch.setenv("TWILIO_EDGE", "sao-paulo")
    posted: list[tuple[str, str, dict[str, str]]] = []

    async def took(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        posted.append((str(request.url), request.headers["X-Twilio-Signature"], form))
        return web.Response(status=204)

    ours = web.Application()
    ours.add_routes([web.post("/{tail:.*}", took)])
    async with AsyncExitStack() as stack:
        server = await http.serve(ours, "127.0.0.1", 0)
        stack.push_async_callback(server.close)
        simulator = SimulatorSettings(port=0, webhook_url=server.url, faults=FaultSettings(callback_lost=1.0))
        url = await stack.enter_async_context(
            serve(Settings(public_url=server.url, simulator=simulator), Tenants(TENANTS))
        )
        line = Line(20.0, 4)
        stack.push_async_callback(line.close)
        yield World(url, line, posted, await stack.enter_async_context(aiohttp.ClientSession()))


async def test_each_is_called_in_its_region_by_its_credentials(world: World) -> None:
    for region, one in TENANTS.items():
        created = await world.create(one)
        assert isinstance(created, MessageCreated), (region, created)
        assert created.account_sid == one.account_sid
        messages = await Listing(one, world.url, 20.0).messages_to(accepted().to)
        assert [message.sid for message in messages] == [created.sid]


@pytest.mark.parametrize("number", REGIONS)
async def test_a_credential_of_another_region_opens_nothing(world: World, number: str) -> None:
    own = REGIONS[number]
    for region in REGIONS.values():
        end = await world.create(tenant(number, region))
        assert isinstance(end, MessageCreated if region == own else Refusal), (region, end)
        if isinstance(end, Refusal):
            assert end.code == 20003


async def test_webhooks_are_signed_by_the_token_of_their_region(world: World) -> None:
    for one in TENANTS.values():
        said = {"account_sid": one.account_sid, "from": "+14155550123", "to": "+14155550100", "body": "Hello"}
        async with world.session.post(f"{world.url}/simulator/inbound", json=said) as answer:
            assert answer.status == 200, await answer.text()
        url, signature, form = world.posted[-1]
        fits = [
            region
            for region, other in TENANTS.items()
            if RequestValidator(other.auth_tokens[0].get_secret_value()).validate(url, form, signature)
        ]
        assert fits == [one.region]


async def test_senders_are_listed_in_the_region_alone(world: World) -> None:
    twilio = TwilioSettings(api=world.url)
    for number, own in REGIONS.items():
        await asyncio.to_thread(listed, own, tenant(number, own), twilio)
        elsewhere = tenant(number, "us1" if own != "us1" else "au1")
        with pytest.raises(TwilioError, match="does not let tenant"):
            await asyncio.to_thread(listed, own, elsewhere, twilio)


@pytest.mark.parametrize(
    ("region", "api", "messaging"),
    [
        ("us1", "https://api.twilio.com", "https://messaging.twilio.com"),
        ("ie1", "https://api.dublin.ie1.twilio.com", "https://messaging.dublin.ie1.twilio.com"),
        ("au1", "https://api.sydney.au1.twilio.com", "https://messaging.sydney.au1.twilio.com"),
    ],
)
def test_hosts_are_those_of_twilios_documentation(region: Region, api: str, messaging: str) -> None:
    found = TwilioSettings().in_region(region)
    assert (found.api, found.messaging_url, regional(TWILIO, region)) == (api, messaging, api)
