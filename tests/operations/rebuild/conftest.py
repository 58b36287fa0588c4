"""What the tests of the command share: a history that a processor folded, killed once in the middle."""

import asyncio

import pytest
import yaml

from tests.environment import SharedBroker
from tests.processes import settings_file, settings_of
from tests.waiting import eventually

from .history import history
from .house import PARTITIONS, House


@pytest.fixture(scope="module")
def house(shared: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The processor has folded everything, and is stopped."""
    folder = tmp_path_factory.mktemp("rebuild")
    settings = settings_file(folder, shared.bootstrap, kafka={"partitions": PARTITIONS})
    shared.laid_out(settings_of(settings))
    made = House(shared.bootstrap, settings, folder, yaml.safe_load(settings.read_text())["processor"]["port"])
    asyncio.run(_live(made))
    return made


async def _live(house: House) -> None:
    with house.processor() as first:
        await house.tell(history(1, 250))
        await eventually(first.ready, 180, "it is ready")
        await house.folded()
    # A flush takes what has come, so few may take it all. The third is of a partition that has rows already.
    with house.processor(TEST_FAILPOINT="flush.sent:3") as killed:
        await house.tell(history(2, 250))
        await eventually(lambda: killed.process.poll() is not None, 180, "the kill")
    with house.processor():
        await house.folded()
