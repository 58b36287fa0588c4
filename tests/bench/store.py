"""Reading a row of a store that holds millions: with its index and filters in parts, as ours are, and whole."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from rocksdict import BlockBasedIndexType, BlockBasedOptions, Cache, Options, Rdict

from services.contract import codec
from services.runtime.folding.memory import Memory
from services.runtime.folding.store import Change, batch_of
from services.runtime.sections.worker import WorkerSettings
from tests.bench import workload
from tests.bench.processes import MEASURED, bytes_read, on
from tests.bench.report import Table, count, mebibytes

_PARTITIONS = 8
# A multiple of the partitions.
_TOGETHER = 2000
_READS = 20_000
# As it is where nothing is said.
_WORKER = WorkerSettings()
# What a waiting command is listed under, about.
_LISTED = b"\xfflisted a tenant, a kind, a sender and a moment\x00", b"\xfflisted a contact\x00"

Say = Callable[[str], None]


class _Read(NamedTuple):
    """Of a row, one that is there or is not: seconds, and bytes of files."""

    seconds: float
    bytes: float


def measure(short: bool, say: Say) -> list[Table]:
    rows = []
    for total in (20_000,) if short else (1_000_000, 5_000_000):
        for name, options in (("in parts", _ours), ("whole", _whole)):
            say(f"store: {total:,} rows, index {name}")
            with on(MEASURED), _filled(options(), total) as databases:
                there, absent = (_read(databases, total, known) for known in (True, False))
            rows.append((count(total), name, *_said(there), *_said(absent)))
    columns = ("rows", "index and filters", "a row there is", "read of files", "one there is not", "read of files")
    note = (
        f"{_PARTITIONS} partitions, rows as the sender's that wait, with two index entries each; a block cache of "
        f"{mebibytes(_WORKER.block_cache_bytes)} for all. What is read of files lies in the page cache here; on a "
        "machine with less memory it comes from the disk."
    )
    return [Table("Reading a row of a store", columns, rows, (note,))]


def _said(read: _Read) -> tuple[str, str]:
    return f"{read.seconds * 1e6:,.1f} µs", f"{read.bytes / 1024:,.1f} KiB"


def _ours() -> Options:
    return Memory(_WORKER.block_cache_bytes, _WORKER.memtable_bytes).options()


def _whole() -> Options:
    """As RocksDB has them where only their place is said."""
    table, options = BlockBasedOptions(), _ours()
    table.set_block_cache(Cache(_WORKER.block_cache_bytes))
    table.set_bloom_filter(10, False)
    table.set_cache_index_and_filter_blocks(True)
    table.set_index_type(BlockBasedIndexType.binary_search())
    options.set_block_based_table_factory(table)
    return options


@contextmanager
def _filled(options: Options, total: int) -> Iterator[list[Rdict]]:
    [(_, value)] = workload.commands(1)
    # A row has what came of its command beside it.
    row = value + codec.encode({"about": value.hex()})
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as folder:
        databases = [Rdict(str(Path(folder) / str(number)), options=options) for number in range(_PARTITIONS)]
        for start in range(0, total, _TOGETHER):
            for number, database in enumerate(databases):
                keys = (b"c%d" % key for key in range(start + number, min(total, start + _TOGETHER), _PARTITIONS))
                changes = (Change(key, row, has=frozenset(name + key for name in _LISTED)) for key in keys)
                database.write(batch_of(one for change in changes for one in change.written()))
        yield databases
        for database in databases:
            database.close()


def _read(databases: list[Rdict], total: int, known: bool) -> _Read:
    random = Random(1)
    keys = [random.randrange(total) for _ in range(_READS)]
    name = b"c%d" if known else b"none%d"
    before, began = bytes_read(os.getpid()), time.perf_counter()
    for key in keys:
        found = databases[key % _PARTITIONS].get(name % key)
        assert (found is not None) == known
    return _Read((time.perf_counter() - began) / _READS, (bytes_read(os.getpid()) - before) / _READS)
