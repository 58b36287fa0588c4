"""What the tests of the poller share."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml

from services.contract.fold import POLLER_APP
from services.embedded.ports import pick
from tests.environment import SharedBroker
from tests.members import Members
from tests.processes import Service, running, settings_file, settings_of, wired
from tests.waiting import eventually

from .house import House, Twilio


@pytest.fixture(scope="module")
def house(shared: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("poller-house")
    path = settings_file(folder, shared.bootstrap, simulator={"faults": {"callback_delay_s": 0.01}})
    written = yaml.safe_load(path.read_text())
    ports = wired(written)
    written["clock_skew_file"] = str(folder / "clock")
    written["poller"] |= {
        "silent_after_s": {"sms": 1},
        "calls_per_minute": 6000,
        "reconcile_at": "",
        "costs_after_s": None,
        "senders_every_s": None,
        "templates_every_s": None,
        "prices_every_s": None,
        "compliance_every_s": None,
    }
    path.write_text(yaml.safe_dump(written))
    shared.laid_out(settings_of(path))
    with running("simulator", path, folder, ports["simulator"]) as simulator:
        yield House(path, shared.bootstrap, simulator.url)


@pytest.fixture
async def twilio(house: House) -> AsyncIterator[Twilio]:
    async with aiohttp.ClientSession() as session:
        made = Twilio(house, session)
        await eventually(made.is_up, 30, "the simulated Twilio answers")
        await made.steer("faults", callback_delay_s=0.01)
        yield made


@pytest.fixture
def poller(house: House, tmp_path: Path) -> Callable[..., AbstractContextManager[Service]]:
    """Start pollers; those of one `disk` have one disk. Settings as variables."""

    members = Members(house.bootstrap, POLLER_APP)

    @contextmanager
    def begin(disk: str = "disk", **environment: str) -> Iterator[Service]:
        folder, port = tmp_path / disk, pick()
        folder.mkdir(exist_ok=True)
        own = {"PORT": str(port), "DATA_DIR": str(folder / "tables")}
        named = {f"SWITCHBOARD_POLLER__{name}": value for name, value in own.items()}
        members.free()
        program = "tests.poller.process"
        with running("poller", house.settings, folder, port, program=program, **named, **environment) as service:
            members.joins(service.process)
            yield service

    return begin
