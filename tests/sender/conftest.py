"""A log with the product's topics, a simulated Twilio as a process, and senders to be started and killed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from services.embedded import ports
from tests.environment import SharedBroker
from tests.processes import settings_of
from tests.sender.rig import SECRETS, Desk, Service, Twilio, started, write_settings

Start = Callable[..., Service]


class House(NamedTuple):
    """What the tests of a module share."""

    bootstrap: str
    settings: Path
    simulator_port: int


@pytest.fixture(autouse=True)
def _loopback_without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway honours a proxy on its way to Twilio; here Twilio is on loopback."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture(scope="module")
def house(shared: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("sender-house")
    port = ports.pick()
    settings = write_settings(folder / "settings.yaml", shared.bootstrap, port)
    shared.laid_out(settings_of(settings, **SECRETS))
    simulator = Service("simulator", settings, folder, {})
    try:
        yield House(shared.bootstrap, settings, port)
    finally:
        simulator.stop()


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Desk]:
    async with aiohttp.ClientSession() as session:
        twilio = Twilio(house.simulator_port, session)
        while not await twilio.answers():  # noqa: ASYNC110 - it is on the other side of HTTP
            await asyncio.sleep(0.05)
        own = Desk(house.bootstrap, twilio)
        await own.open()
        yield own
        await own.close()


@pytest.fixture
def start(house: House, tmp_path: Path) -> Iterator[Start]:
    """Start senders; those with the same `disk` have the same tables. What still runs at the end is stopped."""
    with started(house.bootstrap) as senders:

        def begin(disk: str = "disk", **environment: str) -> Service:
            return senders(house.settings, tmp_path / disk, environment)

        yield begin


@pytest.fixture(scope="module")
def shared_sender(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A sender that the tests of a module share."""
    service = Service("sender", house.settings, tmp_path_factory.mktemp("shared-sender"), {})
    asyncio.run(service.ready())
    yield service
    service.stop()
