"""Fixtures for every test."""

import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest

from services.embedded import jars, ports
from services.embedded.broker import EmbeddedKafka, keep_classes
from tests.kafka_fixture import needs_embedded, shared_broker

# A machine that others use too makes any example slow now and then; the tests' own time limits stay.
hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")
# For a first look: --hypothesis-profile=quick.
hypothesis.settings.register_profile(
    "quick", deadline=None, max_examples=20, suppress_health_check=[hypothesis.HealthCheck.filter_too_much]
)


# Workers draw their ports from parts of their own: of one range, two now and then drew one before either listened.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    ports.RANGE = ports.RANGE[int(worker.removeprefix("gw")) % 8 :: 8]


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
    """Fetch Kafka's jars here if a test needs them, and archive its classes: both take longer than a test may."""
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not session.config.option.collectonly and needs_embedded(wanted):
        jars.ensure(_say)
        keep_classes(_say)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line says what was left out: what is not run must not be taken for what holds."""
    if config.option.markexpr == "not slow" and not hasattr(config, "workerinput"):
        _say(
            "Left out: the slow tests (make test-slow: faults, soaks, and the simulator against Twilio's OpenAPI, "
            "which needs Node); what was skipped stands above with its reason."
        )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
