"""The simulator on a port of its own, with an endpoint that it calls."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from pydantic import SecretStr

from services.runtime.clock import CLOCK
from services.runtime.config import Settings
from services.runtime.simulated import FaultSettings, SimulatorSettings
from services.runtime.tenants.settings import TenantSettings

from .rig import ACCOUNT, API_KEY, API_SECRET, SECOND_TOKEN, SUB_TOKEN, SUBACCOUNT, TOKEN, Endpoint, Rig, serving


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", endpoint.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield endpoint
    await runner.cleanup()


@pytest.fixture
def tenant() -> TenantSettings:
    return TenantSettings(
        account_sid=ACCOUNT,
        auth_tokens=[SecretStr(TOKEN), SecretStr(SECOND_TOKEN)],
        subaccounts={SUBACCOUNT: [SecretStr(SUB_TOKEN)]},
        api_key_sid=API_KEY,
        api_key_secret=SecretStr(API_SECRET),
        contact_secret=SecretStr("unused"),
    )


@pytest.fixture
def settings(endpoint: Endpoint, tenant: TenantSettings) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SWITCHBOARD_CONFIG", raising=False)
        faults = FaultSettings(callback_delay_s=0.01, seed=1)
        simulator = SimulatorSettings(port=0, webhook_url=endpoint.url, faults=faults)
        yield Settings(tenants={"acme": tenant}, simulator=simulator)


@pytest.fixture
async def rig(settings: Settings) -> AsyncIterator[Rig]:
    async with serving(settings) as url, ClientSession() as session:
        rig = Rig(url, session)
        yield rig
        for client in rig.clients:
            await client.close()


@pytest.fixture
async def movable(settings: Settings, tmp_path: Path) -> AsyncIterator[Rig]:
    """A simulator whose clock can be moved; the clock is this process's own, so it is put back."""
    moving = settings.model_copy(update={"clock_skew_file": tmp_path / "clock"})
    try:
        async with serving(moving) as url, ClientSession() as session:
            rig = Rig(url, session)
            yield rig
            for client in rig.clients:
                await client.close()
    finally:
        CLOCK.follow(None)
