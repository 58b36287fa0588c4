"""After any history of writes, kills, restarts and restores the index is the one that all rows give."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contract import codec
from services.contract.fold import FoldContract
from services.runtime.folding.app import fold_app
from services.runtime.folding.flush import Changed
from services.runtime.folding.fold import Emission, Fold, Step, Table
from services.runtime.folding.index import INDEX
from services.runtime.folding.ledger import Ledger
from services.runtime.folding.partition import Partition
from services.runtime.folding.store import PartitionedStore
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.worker import WorkerSettings
from tests.folding.ground import derived, registered, topic
from tests.folding.test_timers import RANG, SOURCE, T0, T1, T2, T3, TABLE, Rang, Set, alarms, names
from tests.waiting import eventually

RINGS = topic(RANG, Rang, lambda event: event.key)
KEYS = ["a", "a b", "b", "ä", "\U0001f600"]
TIMES = [T0, T1, T2, T3]
# The table as other releases have it: listed under other names, and not at all.
TABLES = {
    1: TABLE,
    2: replace(TABLE, lists=lambda row: ["all", *(f"too {name}" for name in names(row))], index=2),
    3: replace(TABLE, lists=None, index=3),
    4: replace(TABLE, lists=None, due=None),
}

Row = tuple[bytes, bytes | None]


class Killed(Exception):
    """The process ends here."""


class Log:
    """The changelog of one partition, and the stores of those who read it, by folder and release."""

    def __init__(self) -> None:
        self.stores: dict[tuple[Path, int], PartitionedStore] = {}
        self.records: list[tuple[int, Row]] = []
        self.end = 0

    def write(self, rows: Iterable[Row]) -> int:
        """Returns the offset of the last."""
        for row in rows:
            self.records.append((self.end, row))
            self.end += 1
        return self.end - 1

    def compact(self) -> None:
        """Of each key the last record stays, a tombstone too."""
        last = {key: offset for offset, (key, _) in self.records}
        self.records = [(offset, row) for offset, row in self.records if last[row[0]] == offset]

    @property
    def rows(self) -> dict[bytes, bytes]:
        """The rows as they are, in key order."""
        found = dict(row for _, row in self.records)
        return {key: value for key, value in sorted(found.items()) if value is not None}


class Worker:
    """The store of one worker, and its partition while it owns that."""

    def __init__(self, folder: Path, log: Log, table: Table) -> None:
        self.folder = folder
        self.table = table
        self.log = log
        sources = (topic(SOURCE, Set, lambda event: event.key),)
        self.fold = Fold(FoldContract("any", "timed", sources, (table.name,), (RINGS,)), (Step(alarms, table),))
        if (folder, id(table)) not in log.stores:
            log.stores[folder, id(table)] = made(folder, self.fold)
        self.store = log.stores[folder, id(table)]
        self.kills = False
        self._offset = 0
        self._flushes = 0
        self._partition: Partition | None = None
        self._running: asyncio.Task[None] | None = None

    def read(self, together: int, most: int | None = None, to_fold: bool = False) -> None:
        """Restore, or stand by: read the changelog from the remembered offset on, which is read again."""
        at = self.store.persisted_offset(TP(self.store.changelog, 0)) or 0
        ahead = [(offset, row) for offset, row in self.log.records if offset >= at][:most]
        for start in range(0, len(ahead), together):
            part = ahead[start : start + together]
            self.store.restore(0, [row for _, row in part], part[-1][0], time.time(), to_fold)

    def take(self) -> None:
        for _ in self.store.derive(0):
            pass
        self._partition = Partition(self.fold, 0, cast(Ledger, self), {"alarms": self.store}, 100)
        self._running = asyncio.create_task(self._partition.run(self))

    async def write(
        self, emissions: Iterable[Emission], partition: int, rows: Mapping[str, Sequence[Emission]]
    ) -> dict[str, int]:
        """The ledger's part."""
        offsets = {name: self.log.write((one.key, one.value) for one in changed) for name, changed in rows.items()}
        if self.kills:
            raise Killed
        return offsets

    async def fold_all(self, events: Sequence[Set], woken: str | None = None) -> None:
        """One flush. Raises Killed."""
        assert self._partition is not None
        assert self._running is not None
        flushes, source = self._flushes, self.fold.sources[0].name
        await self._partition.queue.put(source, [self._consumed(event, source) for event in events])
        if woken is not None:
            self._partition.tick(woken)
        await eventually(lambda: self._flushes > flushes or self._running.done(), what="a flush")
        if self._running.done():
            self._running.result()

    async def folded(self, partition: Partition, changed: Changed) -> None:
        """Nobody listens."""

    def committed(self, offsets: Mapping[tuple[str, int], int], took_s: float | None, told: Collection[str]) -> None:
        self._flushes += 1

    def _consumed(self, event: Set, source: str) -> Any:
        self._offset += 1
        return SimpleNamespace(
            topic=source,
            partition=0,
            offset=self._offset,
            value=codec.encode(event),
            key=b"k",
            timestamp=1_700_000_000_000,
            timestamp_type=0,
            headers=codec.headers(source),
        )

    @property
    def index(self) -> list[bytes]:
        return list(self.store.partition(0).keys(from_key=INDEX))

    def check(self) -> None:
        assert dict(self.store.rows(0)) == self.log.rows
        assert self.index == derived(self.table, self.log.rows)

    async def end(self) -> None:
        if self._partition is not None and self._running is not None:
            self._partition.close()
            await asyncio.gather(self._running, return_exceptions=True)
        await self.store.stop()

    async def again(self, table: Table, together: int, to_fold: bool = True) -> "Worker":
        """It has ended and is there again, on the same disk, and has read what it missed."""
        await self.end()
        worker = Worker(self.folder, self.log, table)
        worker.read(together, to_fold=to_fold)
        return worker


def made(folder: Path, fold: Fold) -> PartitionedStore:
    kafka = KafkaSettings(partitions=1, replication=1, min_insync_replicas=1)
    app = fold_app("indexed", [fold], kafka, WorkerSettings(data_dir=folder))
    app.finalize()
    return app.runner.stores[fold.name][TABLE.name]


EVENTS = st.lists(
    st.builds(
        Set,
        key=st.sampled_from(KEYS),
        alarms=st.one_of(st.none(), st.lists(st.sampled_from(TIMES), max_size=2).map(sorted)),
        note=st.sampled_from(["", "", "shut", "gone", "under x"]),
    ),
    min_size=1,
    max_size=5,
)
STEPS = st.one_of(
    st.tuples(st.just("write"), EVENTS, st.one_of(st.none(), st.sampled_from(TIMES))),
    st.tuples(st.just("killed"), EVENTS, st.none()),
    st.tuples(st.just("restart"), st.sampled_from(list(TABLES)), st.integers(1, 4)),
    st.tuples(st.just("wiped"), st.sampled_from(list(TABLES)), st.integers(1, 4)),
    st.tuples(st.just("stands by"), st.integers(1, 4), st.integers(0, 6)),
    st.tuples(st.just("loses it again"), st.integers(1, 4), st.integers(0, 6)),
    st.tuples(st.just("takes over"), st.sampled_from(list(TABLES)), st.integers(1, 4)),
    st.tuples(st.just("compact"), st.none(), st.none()),
    st.tuples(st.just("broken off"), st.sampled_from(list(TABLES)), st.none()),
)


async def history(folder: Path, steps: Sequence[tuple[Any, ...]]) -> None:
    log, table = Log(), TABLE
    owner, other = (Worker(folder / name, log, TABLE) for name in ("one", "two"))
    owner.take()
    for what, one, more in steps:
        match what:
            case "write":
                await owner.fold_all(one, more)
            case "killed":
                owner.kills = True
                with pytest.raises(Killed):
                    await owner.fold_all([*one, Set("killed", [T3], f"under {log.end}")])
                owner = await owner.again(table, 2)
                owner.take()
            case "restart" | "wiped":
                table = TABLES[one]
                if what == "wiped":
                    owner.store.wipe(0)
                owner = await owner.again(table, more)
                owner.take()
            case "stands by":
                other.read(one, more)
            case "loses it again":
                other.read(one, more, to_fold=True)
            case "takes over":
                table = TABLES[one]
                owner, other = await other.again(table, more), await owner.again(owner.table, more, to_fold=False)
                owner.take()
            case "compact":
                log.compact()
            case "broken off":
                table = TABLES[one]
                await owner.end()
                owner = Worker(owner.folder, log, table)
                next(owner.store.derive(0), None)
                owner = await owner.again(owner.table, 3)
                owner.take()
        owner.check()
    await owner.end()
    await other.end()


@pytest.mark.parametrize("to_fold", [False, True])
async def test_a_standby_has_its_index_before_it_takes_over(tmp_path: Path, to_fold: bool) -> None:
    """Who restores from nothing derives all of it at the end: few of a changelog's rows are the last of their key."""
    log = Log()
    owner, other = (Worker(tmp_path / name, log, TABLE) for name in ("one", "two"))
    owner.take()
    await owner.fold_all([Set("a", [T3], ""), Set("b", [T3], "")])
    assert owner.index
    other.read(1, to_fold=to_fold)
    assert other.index == ([] if to_fold else owner.index)
    other.take()
    other.check()
    await owner.end()
    await other.end()


# Each step opens databases: many histories take minutes.
EXAMPLES = pytest.mark.parametrize("examples", [15, pytest.param(60, marks=pytest.mark.slow)])


@EXAMPLES
def test_after_any_history_the_index_is_that_of_all_rows(examples: int) -> None:
    asked = given(steps=st.lists(STEPS, min_size=1, max_size=12))(_any_history)
    settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))(asked)()


def _any_history(steps: list[tuple[Any, ...]]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        with registered(RINGS):
            asyncio.run(history(folder, steps))
    finally:
        shutil.rmtree(folder)
