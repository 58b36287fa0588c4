"""Fixtures for every test."""

import gc
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from services.embedded import jars, ports
from services.embedded.broker import EmbeddedKafka, keep_classes
from tests import scratch
from tests.environment import SharedBroker
from tests.kafka_fixture import broker_of_others, needs_embedded

scratch.choose()

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


# Rooms whose tests share one house of services: they are one worker's, as a file's tests are anywhere else.
_ONE_HOUSE = ("tests/cases/", "tests/operations/backfill/", "tests/operations/dead/")
_BROKERS = {"shared", "kafka", "broker"}
# What a test takes that has no time limit of its own: on the average, which is enough to order files by.
_WITH_BROKER_S = 5
_ALONE_S = 0.05


# How many tests may fail and be run again: more is a defect, not a machine that stood still.
_FEW = 5


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Note for `.ci/run` whether all tests ran, and a few of them failed."""
    if not hasattr(session.config, "workerinput"):
        few = exitstatus == pytest.ExitCode.TESTS_FAILED and session.testsfailed <= _FEW
        session.config.cache.set("switchboard/few_failed", few)  # type: ignore[union-attr]


class ByHouse(LoadFileScheduling):
    """Which tests are one worker's, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return next((room for room in _ONE_HOUSE if nodeid.startswith(room)), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByHouse:
    config.option.loadscopereorder = False
    return ByHouse(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The files that may take longest begin first, so that the workers end together."""
    if not hasattr(config, "workerinput"):
        return
    takes: Counter[Path] = Counter()
    for item in items:
        limit = item.get_closest_marker("timeout")
        with_broker = not _BROKERS.isdisjoint(getattr(item, "fixturenames", ()))
        takes[item.path] += limit.args[0] if limit else _WITH_BROKER_S if with_broker else _ALONE_S
    items.sort(key=lambda item: takes[item.path], reverse=True)


@pytest.fixture(scope="session")
def shared() -> Iterator[SharedBroker]:
    """The embedded broker of this worker, for whoever needs the product's topics."""
    with EmbeddedKafka.start() as broker:
        yield SharedBroker(broker)


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bootstrap servers of a broker that all tests share; use topics of your own."""
    with broker_of_others() as bootstrap:
        yield bootstrap or request.getfixturevalue("shared").bootstrap


@pytest.fixture
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of this test's own, to be killed, frozen and restarted."""
    with EmbeddedKafka.start() as own:
        yield own


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported and collected stays: no collection of garbage is to walk through it, now or later."""
    gc.disable()
    try:
        return (yield)  # type: ignore[return-value]
    finally:
        gc.freeze()
        gc.enable()


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
