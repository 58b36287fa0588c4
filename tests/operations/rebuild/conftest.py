"""What the tests of the command share: a history that a processor folded, killed once in the middle."""

import asyncio
from collections.abc import Iterator

import pytest
import yaml

from services.embedded.broker import EmbeddedKafka
from services.operations import topics
from tests.processes import settings_file, settings_of
from tests.waiting import eventually

from .history import history
from .house import PARTITIONS, House


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The processor has folded everything, and is stopped."""
    folder = tmp_path_factory.mktemp("rebuild")
    with EmbeddedKafka.start() as kafka:
        settings = settings_file(folder, kafka.bootstrap, kafka={"partitions": PARTITIONS})
        asyncio.run(topics.ensure(settings_of(settings)))
        made = House(kafka.bootstrap, settings, folder, yaml.safe_load(settings.read_text())["processor"]["port"])
        asyncio.run(_live(made))
        yield made


async def _live(house: House) -> None:
    with house.processor(TEST_FAILPOINT="flush.sent:25") as killed:
        await house.tell(history(1, 250))
        await eventually(lambda: killed.process.poll() is not None, 60, "the kill")
    with house.processor():
        await house.tell(history(2, 250))
        await house.folded()
