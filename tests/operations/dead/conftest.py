"""A broker with the product's topics."""

import asyncio
from collections.abc import Iterator

import pytest

from services.embedded.broker import EmbeddedKafka
from services.operations import topics
from tests.processes import settings_file, settings_of

from .rig import House


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("dead")
    with EmbeddedKafka.start() as kafka:
        settings = settings_file(folder, kafka.bootstrap)
        asyncio.run(topics.ensure(settings_of(settings)))
        yield House(settings, kafka.bootstrap)
