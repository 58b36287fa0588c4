"""One partition of any fold over real stores, without a broker: the ledger writes down what it is given."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import msgspec

from services.contract import codec, topics
from services.contract.topic import Topic
from services.runtime.folding import index
from services.runtime.folding.app import fold_app
from services.runtime.folding.cache import FRAME_BYTES
from services.runtime.folding.flush import Changed
from services.runtime.folding.fold import Emission, Fold, Table
from services.runtime.folding.index import INDEX
from services.runtime.folding.ledger import Ledger
from services.runtime.folding.partition import Partition
from services.runtime.folding.store import PartitionedStore, batch_of
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.worker import WorkerSettings
from tests.waiting import eventually

APP = "ground"


class Written(NamedTuple):
    """One transaction: what was emitted, and by table the rows, each None where it is removed."""

    emissions: list[Emission]
    rows: dict[str, dict[bytes, bytes | None]]

    def values(self, topic: str) -> list[bytes | None]:
        return [one.value for one in self.emissions if one.topic == topic]


def opened(fold: Fold, folder: Path) -> dict[str, PartitionedStore]:
    """The stores of a fold's tables, by table."""
    kafka = KafkaSettings(partitions=1, replication=1, min_insync_replicas=1)
    app = fold_app(APP, [fold], kafka, WorkerSettings(data_dir=folder))
    app.finalize()
    return app.runner.stores[fold.name]


class Ground:
    """Partition 0 of a fold."""

    def __init__(self, fold: Fold, stores: Mapping[str, PartitionedStore], max_batch: int = 100) -> None:
        self.stores = stores
        self.written: list[Written] = []
        self.flushes: list[dict[tuple[str, int], int]] = []
        self.changes: list[Changed] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.partition = Partition(fold, 0, cast(Ledger, self), self.stores, max_batch)
        self.running: asyncio.Task[None] | None = None
        self._offset = 0

    def run(self) -> None:
        self.running = asyncio.create_task(self.partition.run(self))

    async def write(
        self, emissions: Iterable[Emission], partition: int, rows: Mapping[str, Sequence[Emission]]
    ) -> dict[str, int]:
        """The ledger's part."""
        assert partition == 0
        await self.gate.wait()
        tables = {store.changelog: name for name, store in self.stores.items()}
        of_rows: dict[str, dict[bytes, bytes | None]] = {}
        for changelog, changed in rows.items():
            assert len({row.key for row in changed}) == len(changed), "a row is written once"
            of_rows[tables[changelog]] = {row.key: row.value for row in changed}
        self.written.append(Written(list(emissions), of_rows))
        return dict.fromkeys(rows, len(self.written))

    async def fold(self, *events: Any, topic: str | None = None) -> Written | None:
        """Fold events in one flush, each off the log; what was written, None when nothing was."""
        source = topic or self.partition.fold.sources[0].name
        await self.partition.queue.put(source, [self.record(event, source) for event in events])
        return await self._one_flush()

    async def tick(self, now: str) -> Written | None:
        """Wake what is due; what was written, None when nothing was."""
        self.partition.tick(now)
        return await self._one_flush() if self.partition.queue._waiting else None

    async def ticks(self, now: str) -> list[Written]:
        """Tick until nothing is due any more."""
        found = []
        while (written := await self.tick(now)) is not None:
            found.append(written)
        return found

    def record(self, event: Any, topic: str, **fields: Any) -> Any:
        self._offset += 1
        value = event if isinstance(event, bytes | None) else codec.encode(event)
        given = {
            "key": b"k",
            "timestamp": 1_700_000_000_000,
            "timestamp_type": 0,
            "headers": codec.headers(topic),
            **fields,
        }
        return SimpleNamespace(topic=topic, partition=0, offset=self._offset, value=value, **given)

    def index(self, table: str) -> list[bytes]:
        """The index entries as they are stored."""
        store = self.stores[table]
        return [key for key in store.partition(0).keys(from_key=INDEX) if key.startswith(INDEX)]

    def from_log(self, table: str) -> dict[bytes, bytes]:
        """The table as a restore would find it: what was written, one after the other."""
        rows: dict[bytes, bytes] = {}
        for one in self.written:
            for key, value in one.rows.get(table, {}).items():
                if value is None:
                    rows.pop(key, None)
                else:
                    rows[key] = value
        return rows

    def stored(self, table: str) -> dict[bytes, bytes]:
        """The table as it is stored here."""
        return dict(self.stores[table].rows(0))

    async def end(self) -> None:
        """End, and close the stores."""
        await self._ended()
        for store in self.stores.values():
            await store.stop()

    async def leave(self) -> None:
        """End, and leave the stores empty and open: to open ten of them costs more than most tests."""
        await self._ended()
        for store in self.stores.values():
            if held := list(store.partition(0).keys()):
                store.database(0).write(batch_of((key, None) for key in held))

    async def _ended(self) -> None:
        self.partition.close()
        if self.running:
            self.gate.set()
            await asyncio.gather(self.running, return_exceptions=True)

    async def _one_flush(self) -> Written | None:
        """Let the partition fold what waits, and check that this took one flush."""
        flushes, written = len(self.flushes), len(self.written)
        if self.running is None:
            self.run()

        def folded() -> bool:
            assert self.running is not None
            if self.running.done():
                self.running.result()
            return not self.partition.queue._waiting and len(self.flushes) > flushes

        await eventually(folded, what="a flush")
        assert len(self.flushes) == flushes + 1
        return self.written[-1] if len(self.written) > written else None

    async def folded(self, partition: Partition, changed: Changed) -> None:
        self.changes.append(changed)

    def committed(self, offsets: Mapping[tuple[str, int], int], took_s: float | None, told: Collection[str]) -> None:
        self.flushes.append(dict(offsets))
        partition = self.partition
        for table in partition.fold.tables:
            stored = self.stored(table.name)
            assert self.index(table.name) == derived(table, stored), "the index is that of the rows"
            for (name, key), known in partition._rows._cache._rows.items():
                if name != table.name:
                    continue
                value = stored.get(key.encode())
                row = None if value is None else codec.decode(value, table.row)
                beside = FRAME_BYTES + len(key) + sum(len(entry) for entry in known.entries or ())
                assert (known.row, known.size) == (row, len(value or b"") + beside)
                assert known.entries in (None, index.entries(table, key, row)), "what it was listed under is so still"


def derived(table: Table, rows: Mapping[bytes, bytes]) -> list[bytes]:
    """The index entries of all rows, in order."""
    found = (index.entries(table, key.decode(), codec.decode(value, table.row)) for key, value in rows.items())
    return sorted(entry for entries in found for entry in entries)


@contextmanager
def registered(*registry: Topic) -> Iterator[None]:
    """Let events go to these topics, as the registry would have it."""
    before = dict(topics._BY_TYPE)
    topics._BY_TYPE.update({type_: topic for topic in registry for type_ in topic.types})
    try:
        yield
    finally:
        topics._BY_TYPE.clear()
        topics._BY_TYPE.update(before)


def topic(
    name: str, event: type[msgspec.Struct], key: Callable[[Any], str], replaces: Callable[[Any], str] | None = None
) -> Topic:
    return Topic(name, event, key, "key", None, replaces=replaces)
