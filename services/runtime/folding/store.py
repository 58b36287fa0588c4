"""Tables on RocksDB: one database per partition, rows and offset in one write."""

import logging
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import faust
from faust.stores.rocksdb import Store
from faust.types import TP
from rocksdict import Rdict, ReadOptions, WriteBatch

from services.runtime.folding import index
from services.runtime.folding.fold import Table
from services.runtime.folding.index import INDEX, INDEX_END
from services.runtime.folding.memory import Memory
from services.runtime.folding.stamp import UNDERIVED, Stamp

logger = logging.getLogger(__name__)

# No text in UTF-8 begins with this, so no row's key does: what is no row lies behind all rows.
_NO_ROW = b"\xfe"
# How far the changelog is read. Faust's own name for it is one that a command may have as its id.
_OFFSET_KEY = _NO_ROW + b"offset"
# Rows of which the index is derived at once, before others have the event loop.
_AT_ONCE = 500

Rows = Iterable[tuple[bytes, bytes | None]]


class Change(NamedTuple):
    """A row as it is to be written, None removes it; the index entries that it had, and has then."""

    key: bytes
    value: bytes | None
    had: frozenset[bytes] = frozenset()
    has: frozenset[bytes] = frozenset()

    def written(self) -> list[tuple[bytes, bytes | None]]:
        written: list[tuple[bytes, bytes | None]] = [(self.key, self.value)]
        for gone in self.had - self.has:
            written.append((gone, None))
        for come in self.has - self.had:
            written.append((come, b""))
        return written


class Stored(Protocol):
    """What is stored of a partition, as far as it is read."""

    # A list of keys is answered by a list.
    def get(self, key: Any) -> Any: ...

    def keys(self, *, from_key: Any = None, read_opt: ReadOptions | None = None) -> Iterable[Any]: ...

    def items(self, *, read_opt: ReadOptions | None = None) -> Iterable[tuple[Any, Any]]: ...


class _Nothing:
    """Of a partition without a database."""

    def get(self, key: Any) -> Any:
        return [None] * len(key) if isinstance(key, list) else None

    def keys(self, **_: Any) -> Iterable[Any]:
        return ()

    def items(self, **_: Any) -> Iterable[tuple[Any, Any]]:
        return ()


_NOTHING = _Nothing()


class PartitionedStore(Store):
    """Faust's RocksDB store, opened with shared memory and closed when a partition leaves.

    A partition has a database from its first row on. To make or open one costs some fsyncs, one after the other and
    with Python's lock held; many tables have no row in most houses, and a start waits for all.
    """

    offset_key = _OFFSET_KEY

    def __init__(self, *args: Any, memory: Memory, rows: Table, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._memory = memory
        self._rows = rows
        self._version = index.version(rows)
        # Partitions that were looked for, and have no database.
        self._absent: set[int] = set()

    def _open_for_partition(self, partition: int) -> Rdict:
        # What a kill left of `wipe`.
        shutil.rmtree(self._gone(partition), ignore_errors=True)
        return Rdict(str(self.partition_path(partition)), options=self._memory.options())

    @property
    def changelog(self) -> str:
        """The topic that the rows come off."""
        name: str = self.table.changelog_topic.get_topic_name()
        return name

    def partition(self, partition: int) -> Stored:
        """What is stored of a partition; its database is opened if need be."""
        if partition in self._absent:
            return _NOTHING
        if partition not in self._dbs and not self.partition_path(partition).exists():
            self._absent.add(partition)
            return _NOTHING
        found: Stored = self.database(partition)
        return found

    def database(self, partition: int) -> Rdict:
        """The database of a partition, to be written: opened or made if need be."""
        self._absent.discard(partition)
        return self._db_for_partition(partition)

    def persisted_offset(self, tp: TP) -> int | None:
        stamp = self._stamp(tp.partition)
        return None if stamp is None else stamp.offset

    def _stamp(self, partition: int) -> Stamp | None:
        """What a partition's rows are; None where there have been none. Raises ConfigError for other aliases."""
        stored = self.partition(partition).get(self.offset_key)
        return None if stored is None else Stamp.read(stored, self.partition_path(partition))

    def unfit(self, partition: int, end: int) -> str | None:
        """Why the rows cannot be brought up to date from a changelog with this end; None if they can, or are none.

        Rows that stand at the end have missed nothing until now, which is noted.
        """
        stamp, moment = self._stamp(partition), time.time()
        if stamp is None:
            return None
        if stamp.stands_at(end):
            self._write(partition, (), stamp._replace(at=moment))
            return None
        return stamp.unfit(end, moment)

    def wipe(self, partition: int) -> None:
        """Remove a partition's rows."""
        self._close(partition)
        if not self.partition_path(partition).exists():
            return
        # At once: half a database cannot be opened, at no start.
        gone = self._gone(partition)
        shutil.rmtree(gone, ignore_errors=True)
        self.partition_path(partition).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _gone(self, partition: int) -> Path:
        path: Path = self.partition_path(partition)
        return path.with_name(f"{path.name}.gone")

    def restore(
        self, partition: int, rows: Rows, changelog_offset: int, written_at: float, to_fold: bool = False
    ) -> None:
        """Write rows that were read off the changelog, with their index; the last was written there at that time (Unix
        seconds). `to_fold`: not for a standby, which stays ready to take over.

        A removal that comes later in the changelog vanishes a week after the record was written at the earliest, and a
        week after this store was last known to have missed none: the later of the two counts.
        """
        stamp = self._stamp(partition)
        at = max(time.time() if stamp is None else stamp.at, written_at)
        # Earlier releases have left index entries there.
        latest = {key: value for key, value in rows if not key.startswith(INDEX)}
        # From nothing on it is cheaper to derive all of it when the rows are up to date: a changelog has several
        # versions of a row, and each would be compared with the one before.
        indexed = not to_fold if stamp is None else stamp.indexed == self._version
        changes = self._indexed(partition, latest) if indexed else (Change(*row) for row in latest.items())
        self._write(partition, changes, Stamp(changelog_offset, at, self._version if indexed else UNDERIVED))

    def _indexed(self, partition: int, rows: Mapping[bytes, bytes | None]) -> Iterator[Change]:
        """Rows with the index entries that go and come with them."""
        if not index.is_indexed(self._rows):
            yield from (Change(key, value) for key, value in rows.items())
            return
        keys = list(rows)
        for key, former in zip(keys, self.partition(partition).get(keys), strict=True):
            had = index.entries_of(self._rows, key, former)
            yield Change(key, rows[key], had, index.entries_of(self._rows, key, rows[key]))

    def apply(self, partition: int, changes: Iterable[Change], changelog_offset: int, at: float | None = None) -> None:
        """Write rows, their index entries, and the changelog offset they were written at, in one batch.

        `at`: since when no removal was missed (Unix seconds); None: until now none was. It lies in the store, not in
        the dates of its files, for a backup that is copied has new ones.
        """
        self._write(partition, changes, Stamp(changelog_offset, time.time() if at is None else at, self._version))

    def _write(self, partition: int, changes: Iterable[Change], stamp: Stamp) -> None:
        batch = batch_of(chain.from_iterable(map(Change.written, changes)))
        batch.put(self.offset_key, bytes(stamp))
        self.database(partition).write(batch)

    def derive(self, partition: int) -> Iterator[None]:
        """Derive the index of all rows, where it is of another version: in parts, between which others may go on.

        Nobody else may write meanwhile. Broken off, it begins anew when it is called again.
        """
        stamp = self._stamp(partition)
        if stamp is None or stamp.indexed == self._version:
            return
        began = batch_of(())
        began.delete_range(INDEX, INDEX_END)
        began.put(self.offset_key, bytes(stamp._replace(indexed=UNDERIVED)))
        database = self.database(partition)
        database.write(began)
        rows = self.rows(partition) if index.is_indexed(self._rows) else iter(())
        while together := list(islice(rows, _AT_ONCE)):
            entries = [entry for key, value in together for entry in index.entries_of(self._rows, key, value)]
            database.write(batch_of((entry, b"") for entry in entries))
            yield
        database.put(self.offset_key, bytes(stamp._replace(indexed=self._version)))

    def rows(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All rows of a partition, in key order."""
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(_NO_ROW)
        yield from self.partition(partition).items(read_opt=bounds)

    def keys(self, partition: int, start: bytes, end: bytes) -> Iterator[bytes]:
        """The keys, of rows or of index entries, in order, from `start` up to, not including, `end`."""
        # Else it would look for the next key beyond, through all that were removed there and are not compacted yet.
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(end)
        # In here, so that the bounds outlive what reads by them.
        yield from self.partition(partition).keys(from_key=start, read_opt=bounds)

    async def assign_partitions(self, table: Any, tps: set[TP], generation_id: int = 0) -> None:
        """Open what is there."""
        there = {
            tp for tp in tps if tp.topic in table.changelog_topic.topics and self.partition_path(tp.partition).exists()
        }
        await super().assign_partitions(table, there, generation_id)

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """At each rebalance, before partitions are assigned."""
        self._absent.clear()
        for tp in tps:
            if tp.topic in table.changelog_topic.topics:
                self._close(tp.partition)

    async def stop(self) -> None:
        self._absent.clear()
        for partition in list(self._dbs):
            self._close(partition)

    def _close(self, partition: int) -> None:
        database = self._dbs.pop(partition, None)
        if database is not None:
            # Faust leaves it to the garbage collector, which walks through all there is for each table and may come too
            # late: a lock held on meanwhile would fail the next owner on this disk.
            database.close()


def batch_of(rows: Rows) -> WriteBatch:
    """Rows to be written at once; None removes one."""
    batch = WriteBatch(raw_mode=True)
    for key, value in rows:
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    return batch


class LogTable(faust.Table):
    """A Faust table that is written by the ledger (`ledger.py`), never by assignment: rows come off the changelog."""

    def __init__(self, app: Any, *, memory: Memory, rows: Table, **kwargs: Any) -> None:
        self._memory = memory
        self._rows = rows
        super().__init__(app, key_type=bytes, value_type=bytes, **kwargs)

    def _new_store(self) -> PartitionedStore:
        return PartitionedStore(
            "rocksdb://", self.app, self, memory=self._memory, rows=self._rows, table_name=self.name
        )

    def info(self) -> dict[str, Any]:
        return {**super().info(), "memory": self._memory, "rows": self._rows}
