"""A broker with the product's topics."""

import asyncio
from collections.abc import Iterator

import pytest

from services.cli import topics
from services.cli.kafka.broker import EmbeddedKafka
from services.runtime.config import load
from tests.processes import SECRETS, settings_file

from .rig import House


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("dead")
    with EmbeddedKafka.start() as kafka, pytest.MonkeyPatch.context() as environment:
        settings = settings_file(folder, kafka.bootstrap)
        for name, value in {**SECRETS, "SWITCHBOARD_CONFIG": str(settings), "NO_PROXY": "127.0.0.1"}.items():
            environment.setenv(name, value)
        asyncio.run(topics.ensure(load()))
        yield House(settings, kafka.bootstrap)
