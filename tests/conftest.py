"""Fixtures for every test."""

import sys
from collections.abc import Iterator

import pytest

from services.cli.kafka import jars
from services.cli.kafka.broker import EmbeddedKafka
from tests.kafka_fixture import needs_embedded, shared_broker


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The bootstrap servers of a broker that all tests share; use topics of your own."""
    with shared_broker() as bootstrap:
        yield bootstrap


@pytest.fixture
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of this test's own, to be killed, frozen and restarted."""
    with EmbeddedKafka.start() as own:
        yield own


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch Kafka's jars here if a test needs them: a test's time limit is too short for a first download."""
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not session.config.option.collectonly and needs_embedded(wanted):
        jars.ensure(_say)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
