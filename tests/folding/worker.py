"""One worker with the tally fold, to be run as a process: `python -m tests.folding.worker`, told by FOLDING_SPEC.

Says what it does in JSON lines on stdout: `ready` with its partitions whenever it becomes so, `restored` with what
its restore read, `standby` with what it read for others' partitions, `unready` with why it is restoring, `taken`,
`flushed` and `leaving` by partition, and at SIGTERM its rows as `shown`.
Exits as a service does.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from services.runtime import metrics, process
from services.runtime.clock import CLOCK
from services.runtime.folding.app import FoldApp, fold_app
from services.runtime.folding.health import reasons
from services.runtime.folding.index import INDEX
from services.runtime.folding.lifetime import run_app
from services.runtime.folding.partition import Partition
from services.runtime.folding.recovery import PositionRecovery
from services.runtime.folding.runner import Listener
from services.runtime.folding.store import Change, PartitionedStore
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.worker import WorkerSettings
from tests import failpoint
from tests.folding import tally, watched
from tests.folding.ground import derived


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a worker is told."""

    bootstrap: str
    app: str
    source: str
    derived: str
    data_dir: str
    port: int
    partitions: int
    session_timeout_s: float = 6.0
    instance_id: str | None = None
    max_batch: int = 50
    # Stop (SIGSTOP) in the midst of folding a fact with the note `freeze`.
    freezes: bool = False
    # What each fact costs, so that a log is still being folded while things happen.
    fold_s: float = 0.0
    # How often a restore tells how far it is, and how long each step of it takes.
    progress_s: float = 5.0
    restore_s: float = 0.0
    # Fold into two tables, with timers (`watched`), and tell here what rang.
    rang: str | None = None
    # The version of their index.
    index: int = 1
    # What its clock is ahead of the system's stands here, in seconds.
    clock: str | None = None


def say(**line: Any) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


class Folding:
    """The tally, with a worker's own troubles."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec

    def __call__(self, state: Any, fact: Any, /) -> tuple[Any, Sequence[msgspec.Struct]]:
        if self._spec.fold_s:
            time.sleep(self._spec.fold_s)
        if fact.note == "freeze" and self._spec.freezes:
            say(frozen=fact.event_id)
            os.kill(os.getpid(), signal.SIGSTOP)
        return tally.fold(state, fact)


class Telling(Listener):
    """Says what becomes of partitions."""

    async def taken(self, partition: Partition) -> None:
        say(taken=partition.partition, at=time.time())

    async def leaving(self, partition: Partition) -> None:
        say(leaving=partition.partition, at=time.time())


class Watched(PositionRecovery):
    """The restore, saying what it reads."""

    spec: Spec

    def restored(self, tp: Any, records: Sequence[Any]) -> None:
        time.sleep(self.spec.restore_s)
        super().restored(tp, records)
        if tp in self.active_tps:
            gauge = metrics.RESTORE_REMAINING.collect()
            remaining = next(iter(next(iter(gauge)).samples)).value
            say(restored=len(records), partition=tp.partition, remaining=remaining)
        else:
            say(standby=len(records), partition=tp.partition)


async def _run(spec: Spec, stop: asyncio.Event) -> None:
    CLOCK.follow(Path(spec.clock) if spec.clock else None)
    if spec.rang:
        watched.register(spec.derived, spec.rang)
        fold = watched.watched_fold(spec.source, Folding(spec), spec.index)
    else:
        tally.register(spec.derived)
        fold = tally.tally_fold(spec.source, Folding(spec))
    kafka = KafkaSettings(bootstrap=spec.bootstrap, partitions=spec.partitions, replication=1, min_insync_replicas=1)
    worker = WorkerSettings(
        port=spec.port,
        data_dir=Path(spec.data_dir),
        session_timeout_s=spec.session_timeout_s,
        instance_id=spec.instance_id,
        max_batch=spec.max_batch,
    )
    app = fold_app(spec.app, [fold], kafka, worker, {tally.FOLD: Telling()})
    for store in app.runner.stores[tally.FOLD].values():
        _tell_writes(store)
    Watched.spec, Watched.stats_interval = spec, spec.progress_s
    app.tables._recovery = Watched(app, app.tables, beacon=app.tables.beacon, loop=app.tables.loop)
    end = asyncio.Event()
    telling = asyncio.create_task(_tell(app))
    ending = asyncio.create_task(_show_rows(app, stop, end))
    try:
        await run_app(app, end)
    finally:
        telling.cancel()
        ending.cancel()


def _tell_writes(store: PartitionedStore) -> None:
    apply = store.apply

    def applied(partition: int, changes: Sequence[Change], offset: int) -> None:
        apply(partition, changes, offset)
        say(flushed=partition, rows=len(changes), at=time.time())

    store.apply = applied  # type: ignore[method-assign, assignment]


async def _tell(app: FoldApp) -> None:
    was: list[int] | None = None
    restoring: list[str] = []
    while True:
        why = reasons(app)
        if why != restoring and any("restored" in reason for reason in why):
            say(unready=why)
            restoring = why
        owned = None if why else sorted(part.partition for part in app.runner.partitions(tally.FOLD))
        if owned != was:
            say(**({"waiting": True} if owned is None else {"ready": owned}))
        was = owned
        await asyncio.sleep(0.02)


async def _show_rows(app: FoldApp, stop: asyncio.Event, end: asyncio.Event) -> None:
    await stop.wait()
    owned = app.runner.partitions(tally.FOLD)
    if len(app.runner.folds[tally.FOLD].tables) > 1:
        say(misindexed=_misindexed(app, owned))
        say(watched=_rows(owned, watched.TABLE))
        say(listed=[key for one in owned for _, key in one.listed(watched.TABLE, watched.WAITING, None, 1000)])
    say(shown=_rows(owned, tally.FOLD))
    end.set()


def _rows(owned: Sequence[Partition], table: str) -> dict[str, list[Any]]:
    rows = [one.read(key, table) for one in owned for key in one.under(table, "", 100_000)]
    return {row.key: [row.number, row.chain] for row in rows}


def _misindexed(app: FoldApp, owned: Sequence[Partition]) -> list[str]:
    """The index entries that are not what all rows say, of this worker's own partitions and of those it stands by."""
    table = app.runner.folds[tally.FOLD].tables[1]
    store = app.runner.stores[tally.FOLD][table.name]
    found = []
    for number in {*(one.partition for one in owned), *store._dbs}:
        wrong = set(store.partition(number).keys(from_key=INDEX)) ^ set(derived(table, dict(store.rows(number))))
        found += [f"{number}: {entry!r}" for entry in sorted(wrong)]
    return found


def main() -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    failpoint.arm()
    spec = msgspec.json.decode(os.environ["FOLDING_SPEC"], type=Spec)
    return process.run(partial(_run, spec))


if __name__ == "__main__":
    sys.exit(main())
