"""Tables on RocksDB: one bound of memory for all partitions, rows and offset in one write."""

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from faust.types import TP
from rocksdict import Rdict

from services.contract.plan import TOMBSTONES_KEPT
from services.runtime.folding.app import FoldApp, fold_app
from services.runtime.folding.memory import Memory
from services.runtime.folding.store import Change, PartitionedStore, batch_of
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.worker import WorkerSettings
from tests.bench.processes import bytes_read
from tests.folding import tally
from tests.waiting import eventually

_MIB = 1 << 20
_ROOT = Path(__file__).parents[2]
PARTITIONS = 16


def app_in(folder: Path, memtable_bytes: int = 8 * _MIB) -> FoldApp:
    kafka = KafkaSettings(partitions=PARTITIONS, replication=1, min_insync_replicas=1)
    worker = WorkerSettings(data_dir=folder, block_cache_bytes=16 * _MIB, memtable_bytes=memtable_bytes)
    return fold_app("store-test", [tally.tally_fold("facts.v1")], kafka, worker)


def store_of(app: FoldApp) -> PartitionedStore:
    app.finalize()
    return app.runner.stores[tally.FOLD][tally.FOLD]


def number(database: Rdict, name: str) -> int:
    value = database.property_int_value(f"rocksdb.{name}")
    assert value is not None
    return int(value)


async def test_all_partitions_share_one_cache_and_one_bound_of_memtables(tmp_path: Path) -> None:
    store = store_of(app_in(tmp_path))
    databases = [store.database(partition) for partition in range(PARTITIONS)]
    for offset in range(100):
        for partition in range(PARTITIONS):
            rows = [Change(f"{offset}-{row}".encode(), b"x" * 1000) for row in range(20)]
            store.apply(partition, rows, offset)

    assert {number(database, "block-cache-capacity") for database in databases} == {16 * _MIB}
    read, *_, idle = databases
    before = number(idle, "block-cache-usage")
    read.flush()
    assert all(store.partition(0).get([f"{offset}-{row}".encode() for offset in range(100) for row in range(20)]))
    # 2 MB were read; each sees what all use together.
    assert number(idle, "block-cache-usage") > before + _MIB
    # 32 MB were written; with a bound of its own each, none would have had to flush.

    def memtables() -> int:
        return sum(number(database, "cur-size-all-mem-tables") for database in databases)

    await eventually(lambda: memtables() < 12 * _MIB, what="memtables within their bound: they are flushed beside us")
    await store.stop()


def test_a_row_is_read_without_the_index_of_all_keys(tmp_path: Path) -> None:
    """Where there are more keys than the cache has room for, each read would have to begin with that."""
    keys = [str(key).encode() for key in range(200_000)]
    memory = Memory(block_cache_bytes=_MIB // 4, memtable_bytes=_MIB)
    database = Rdict(str(tmp_path / "rows"), options=memory.options())
    for start in range(0, len(keys), 1000):
        database.write(batch_of((key, b"x" * 100) for key in keys[start : start + 1000]))
    database.flush()
    database.compact_range(None, None)
    looked_up = Random(1).sample(keys, 1000)
    before = bytes_read(os.getpid())
    assert all(database.get(key) for key in looked_up)
    # A block of each, of rows, of the index and of the filter: 4 KiB. The index of all keys is 100 KiB at the least.
    assert (bytes_read(os.getpid()) - before) / len(looked_up) < 32 * 1024
    database.close()


def test_idle_partitions_that_hold_all_memory_stall_nobody(tmp_path: Path) -> None:
    """In a process of its own: RocksDB stalls with Python's lock held, so that no time limit of ours would end it."""
    program = "import sys; from pathlib import Path; from tests.folding.test_store import fill; fill(Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path])}
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=environment, check=True, timeout=60)


def fill(folder: Path) -> None:
    """Write to ever more partitions, so that the former ones' memtables are more than all may hold."""
    store = store_of(app_in(folder, memtable_bytes=_MIB))
    for partition in range(PARTITIONS):
        for offset in range(10):
            store.apply(partition, [Change(f"{offset}-{row}".encode(), b"x" * 1000) for row in range(20)], offset)


async def test_rows_and_their_offset_are_found_again(tmp_path: Path) -> None:
    store = store_of(app_in(tmp_path))
    store.apply(3, [Change(b"a", b"1"), Change(b"b", b"2")], 10)
    store.apply(3, [Change(b"a", None), Change(b"c", b"3")], 12)
    changelog = TP(store.changelog, 3)
    assert list(store.rows(3)) == [(b"b", b"2"), (b"c", b"3")]
    await store.stop()

    again = store_of(app_in(tmp_path))
    assert list(again.rows(3)) == [(b"b", b"2"), (b"c", b"3")]
    assert again.persisted_offset(changelog) == 12
    await again.stop()


@pytest.mark.parametrize(("stamp", "named"), [(b"12 1700000000.000", "none"), (b"12 1700000000.000 1", "1")])
async def test_rows_that_are_keyed_by_other_aliases_are_not_read(tmp_path: Path, stamp: bytes, named: str) -> None:
    store = store_of(app_in(tmp_path))
    store.apply(3, [Change(b"a", b"1")], 10)
    store.database(3).put(PartitionedStore.offset_key, stamp)
    for look in (lambda: store.unfit(3, 13), lambda: store.persisted_offset(TP(store.changelog, 3))):
        with pytest.raises(ConfigError, match=f"alias version {named}; .*empty data_dir"):
            look()
    await store.stop()


async def test_a_partition_has_a_database_from_its_first_row_on(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    store, changelog = store_of(app), store_of(app).changelog
    assert store.partition(0).get(b"a") is None
    assert store.partition(0).get([b"a", b"b"]) == [None, None]
    assert (list(store.rows(0)), list(store.keys(0, b"", b"z")), list(store.derive(0))) == ([], [], [])
    assert store.persisted_offset(TP(changelog, 0)) is store.unfit(0, 100) is None
    assert not store.partition_path(0).exists()
    store.apply(0, [Change(b"a", b"1")], 7)
    assert (store.partition(0).get(b"a"), store.persisted_offset(TP(changelog, 0))) == (b"1", 7)
    await store.stop()

    again = store_of(app_in(tmp_path))
    everything = {TP(changelog, number) for number in range(PARTITIONS)}
    await again.on_rebalance(everything, set(), everything)
    assert sorted(again._dbs) == [0]
    # A former owner, of the same folder, has written meanwhile.
    assert again.partition(1).get(b"b") is None
    other = store_of(app_in(tmp_path))
    other.apply(1, [Change(b"b", b"2")], 3)
    await other.stop()
    await again.on_rebalance({TP(changelog, 1)}, everything, {TP(changelog, 1)})
    assert sorted(again._dbs) == [1]
    assert again.partition(1).get(b"b") == b"2"
    await again.stop()


async def test_a_partition_that_left_can_be_opened_by_its_next_owner(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    store = store_of(app)
    store.apply(0, [Change(b"a", b"1")], 1)
    path = store.partition_path(0)
    store.revoke_partitions(app.tables[tally.FOLD], {TP(store.changelog, 0)})
    Rdict(str(path)).close()


async def test_a_store_is_unfit_when_it_is_behind_and_old_or_beyond_the_end(tmp_path: Path) -> None:
    store = store_of(app_in(tmp_path))
    old = time.time() - TOMBSTONES_KEPT.total_seconds() - 60
    store.apply(0, [Change(b"a", b"1")], 7, old)
    store.apply(1, [Change(b"a", b"1")], 7)
    assert "older than removals" in (store.unfit(0, 100) or "")
    # Only the mark of a transaction's end came after it: nothing was missed.
    assert store.unfit(0, 9) is None
    assert store.unfit(1, 100) is None
    assert "beyond the changelog's end" in (store.unfit(1, 7) or "")
    assert store.unfit(1, 8) is None
    assert store.unfit(2, 100) is None

    store.wipe(0)
    assert list(store.rows(0)) == []
    assert store.unfit(0, 100) is None
    await store.stop()


async def test_a_store_at_the_end_has_missed_nothing_until_now(tmp_path: Path) -> None:
    store = store_of(app_in(tmp_path))
    old = time.time() - TOMBSTONES_KEPT.total_seconds() - 60
    store.apply(0, [Change(b"a", b"1")], 7, old)
    assert store.unfit(0, 9) is None
    # Meanwhile another owner wrote: what it removed, this one reads.
    assert store.unfit(0, 100) is None


async def test_a_restore_that_was_interrupted_goes_on_however_old_the_records_are(tmp_path: Path) -> None:
    store = store_of(app_in(tmp_path))
    long_ago = time.time() - 30 * TOMBSTONES_KEPT.total_seconds()
    store.restore(0, [(b"a", b"1")], 7, long_ago)
    assert store.unfit(0, 100) is None
    # But it does not make a store younger than the first of its parts.
    store.apply(1, [Change(b"a", b"1")], 7, time.time() - TOMBSTONES_KEPT.total_seconds() - 60)
    store.restore(1, [(b"b", b"1")], 8, long_ago)
    assert "older than removals" in (store.unfit(1, 100) or "")
    store.restore(1, [(b"b", b"1")], 9, time.time() - 60)
    assert store.unfit(1, 100) is None


async def test_a_wipe_that_was_killed_halfway_leaves_nothing_that_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(app_in(tmp_path))
    store.apply(0, [Change(b"a", b"1")], 7)
    with monkeypatch.context() as patch:

        def killed(path: Path, **_: object) -> None:
            if path.exists():
                next(path.glob("MANIFEST*")).unlink()
                raise KeyboardInterrupt

        patch.setattr("services.runtime.folding.store.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            store.wipe(0)
    again = store_of(app_in(tmp_path))
    assert list(again.rows(0)) == []
    again.apply(0, [Change(b"b", b"2")], 3)
    again.wipe(0)
    assert list(again.rows(0)) == []
    await again.stop()
