"""Any record on any source topic of any fold: folded, put aside or refused; nothing escapes, nothing outgrows a broker.

On real stores, with the flush that the product has; `test_poison_on_kafka` feeds the corpus to whole processes.
"""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from faust.types import TP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contract import codec
from services.contract.consent import CONSENT_COMMANDS
from services.contract.followups import FOLLOWUPS
from services.contract.messages import MESSAGES
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.studio import STARTS
from services.contract.topic import Topic
from services.contract.topics import BY_CONTACT
from services.domain.clock import LAST
from services.domain.results import CommandResult
from services.media.topology import FOLDS as COPIED
from services.processor.topology import topology
from services.runtime.folding.fold import Emission, Fold
from services.runtime.tenants.live import Tenants
from services.sender.parking import Parked
from services.sender.topology import folds
from tests.folding.ground import Ground, opened
from tests.fuzz import corpus
from tests.processes import settings_file, settings_of
from tests.waiting import eventually

# With room for framing below what brokers take by default.
MOST_BYTES = 1_000_000


class More(NamedTuple):
    """A record beside its value."""

    key: bytes | None = b"k"
    timestamp: int = 1_700_000_000_000
    headers: Sequence[tuple[str, bytes | None]] = ()


Odd = tuple[bytes | None, More]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> list[Fold]:
    """Every fold of processor and sender, and that of people's files."""
    configured = settings_of(settings_file(tmp_path_factory.mktemp("product"), "127.0.0.1:9"))
    return [*topology(configured, {}), *folds(configured, Tenants(configured.tenants)), *COPIED]


class Fed:
    """A fold on the ground, fed batch by batch on a loop of its own."""

    def __init__(self, fold: Fold, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.fold = fold
        self._waiting = 0
        self.ground = self.runner.run(self._make(fold, folder))

    def feed(self, topic: Topic, odd: list[Odd]) -> list[Emission]:
        """Fold these records; what was written beside rows."""
        return self.runner.run(self._feed(topic, odd))

    def wake(self) -> None:
        """Wake all that will ever be due."""
        self.runner.run(self.ground.ticks(LAST))

    def close(self) -> None:
        self.runner.run(self.ground.end())
        self.runner.close()

    @staticmethod
    async def _make(fold: Fold, folder: Path) -> Ground:
        return Ground(fold, opened(fold, folder), max_batch=500)

    async def _feed(self, topic: Topic, odd: list[Odd]) -> list[Emission]:
        ground, before, flushes = self.ground, len(self.ground.written), len(self.ground.flushes)
        # What only we write says by which aliases its key was made; without that a worker stops.
        known = codec.headers(topic.name) if topic.name in BY_CONTACT else []
        records = [
            ground.record(value, topic.name, **more._replace(headers=[*more.headers, *known])._asdict())
            for value, more in odd
        ]
        await ground.partition.queue.put(topic.name, records)
        if ground.running is None:
            ground.run()

        def written() -> bool:
            assert ground.running is not None
            if ground.running.done():
                ground.running.result()
            return any(marks.get((topic.name, 0), -1) >= records[-1].offset for marks in ground.flushes[flushes:])

        await eventually(written, what="all are written")
        emissions = [one for written in ground.written[before:] for one in written.emissions]
        before, self._waiting = self._waiting, self._parked()
        self._check(topic, len(odd) - (self._waiting - before), emissions)
        return emissions

    def _parked(self) -> int:
        """Commands that wait for their tenant."""
        [table] = [one.name for one in self.fold.tables if one.row is Parked] or [None]
        rows = [self.ground.partition.read(f"parked {number:02}", table) for number in range(16 if table else 0)]
        return sum(len(row.commands) for row in rows if row is not None)

    @staticmethod
    def _check(topic: Topic, count: int, emissions: list[Emission]) -> None:
        for one in emissions:
            headers = sum(len(name) + len(content) for name, content in one.headers)
            assert len(one.key) + len(one.value or b"") + headers < MOST_BYTES
        assert b"defect" not in [dict(one.headers)["reason"] for one in emissions if one.topic == topic.dead]
        if topic.public:
            # Each is answered: accepted, or refused with a result that can be read.
            told = [codec.decode(one.value, CommandResult) for one in emissions if one.topic == RESULTS.name]
            assert len(told) + sum(one.topic == ACCEPTED.name for one in emissions) >= count


SOURCES = [
    ("messages", 0), ("messages", 1), ("commands", 0), ("contacts", 0), ("contacts", 1), ("contacts", 2),
    ("executions", 0), ("intake", 0), ("executions-intake", 0), ("followups-intake", 0),
    ("consent-intake", 0), ("outbox", 0), ("outbox", 1), ("outbox", 2), ("copies", 0),
]  # fmt: skip


@pytest.fixture(params=SOURCES, ids=lambda one: f"{one[0]}-{one[1]}")
def fed(request: pytest.FixtureRequest, product: list[Fold], tmp_path: Path) -> Iterator[tuple[Fed, Topic]]:
    name, number = request.param
    (fold,) = [one for one in product if one.name == name]
    fed = Fed(fold, tmp_path / "stores")
    yield fed, fold.sources[number]
    fed.close()


def test_every_source_is_fed(product: list[Fold]) -> None:
    assert [(fold.name, number) for fold in product for number in range(len(fold.sources))] == SOURCES
    public = {topic for fold in product for topic in fold.sources if topic.public}
    assert public == {MESSAGES, STARTS, FOLLOWUPS, CONSENT_COMMANDS}


def test_any_record_is_folded_or_put_aside(fed: tuple[Fed, Topic]) -> None:
    one, topic = fed
    one.feed(topic, [(value, More()) for value in corpus.VALUES.values()])
    every = itertools.product(corpus.KEYS, corpus.TIMESTAMPS, corpus.HEADERS)
    one.feed(topic, [(corpus.raw(corpus.SEND), More(*more)) for more in every])
    mores = st.builds(
        More,
        st.sampled_from(corpus.KEYS) | st.none() | st.binary(max_size=20),
        st.sampled_from(corpus.TIMESTAMPS) | st.integers(-(2**63), 2**63 - 1),
        # All came with each key and time, and thousands cost more than all else that is drawn.
        st.sampled_from([headers for headers in corpus.HEADERS if len(headers) < 1000]),
    )

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(corpus.values(topic.types), mores), min_size=1, max_size=20))
    def holds(odd: list[Odd]) -> None:
        one.feed(topic, odd)

    holds()
    one.wake()


def test_a_commands_id_may_be_the_stores_own_name(product: list[Fold], tmp_path: Path) -> None:
    """Of a rejected command any text comes as its id, and is the key of a row."""
    named = {fold.name: fold for fold in product}
    fed, refusing = Fed(named["commands"], tmp_path / "commands"), Fed(named["intake"], tmp_path / "intake")
    refused = refusing.feed(MESSAGES, [(corpus.raw({"command_id": corpus.STORE_KEY, "tenant": "acme"}), More())])
    for _ in range(2):
        told = [(one.value, More(one.key)) for one in refused if one.topic == RESULTS.name]
        assert told
        fed.feed(RESULTS, told)
    row = fed.ground.partition.read(f"acme|{corpus.STORE_KEY}")
    assert row.command_id == corpus.STORE_KEY
    store = fed.ground.stores["commands"]
    assert store.persisted_offset(TP(store.changelog, 0)) == len(fed.ground.written)
    fed.close()
    refusing.close()
