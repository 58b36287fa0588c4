"""What the tests of the command share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.environment import SharedBroker
from tests.processes import running, settings_file, settings_of, wired
from tests.waiting import eventually

from .house import OTHER, House, Twilio


@pytest.fixture(scope="package")
def house(shared: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("backfill")
    settings = settings_file(folder, shared.bootstrap)
    ports = _complete(settings)
    shared.laid_out(settings_of(settings))
    with ExitStack() as stack:
        urls = {}
        for name, port in ports.items():
            service = stack.enter_context(running(name, settings, folder, port))
            urls[name] = service.url
            if name == "ingress":
                asyncio.run(eventually(service.ready, 60, "ingress is ready"))
        yield House(settings, shared.bootstrap, urls["simulator"], urls["ingress"])


def _complete(settings: Path) -> dict[str, int]:
    """Point the services at each other, and add a tenant; returns the ports of those that the tests need."""
    loaded = yaml.safe_load(settings.read_text())
    ports = wired(loaded)
    loaded["tenants"]["globex"] = loaded["tenants"]["acme"] | {"account_sid": OTHER}
    loaded["simulator"]["faults"] = {"callback_delay_s": 0.01}
    settings.write_text(yaml.safe_dump(loaded))
    return {name: ports[name] for name in ("ingress", "simulator")}


@pytest.fixture
async def twilio(house: House) -> AsyncIterator[Twilio]:
    async with aiohttp.ClientSession() as session:
        own = Twilio(house, session)
        await eventually(own.is_up, what="the simulator answers")
        yield own
