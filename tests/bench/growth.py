"""How throughput grows with partitions and workers, and recovery and memory with keys: the real processor."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import uvloop

from services.contract import codec
from services.contract.fold import changelog
from services.contract.messages import DELIVERY, MESSAGES_FOLD, STATUS
from services.domain.messages.delivery import fold
from services.embedded import ports
from tests.bench import log, workload
from tests.bench.memory import on_disk
from tests.bench.processes import MEASURED, CannotMeasure, everywhere, peak_bytes
from tests.bench.report import Chart, Table, count, mebibytes
from tests.bench.rig import SWITCHBOARD, Rig, Running

KEYS = (10_000, 100_000, 1_000_000, 3_000_000)

_LIMIT_S = 300.0
_APP = MESSAGES_FOLD.app
_CHANGELOG = changelog(_APP, "delivery")
# The broker's clock tells when each event was written.
_PROPERTIES = {"log.message.timestamp.type": "LogAppendTime"}
# Else the first worker would fold alone until the others have joined; each that joins prolongs it.
_TOGETHER = {"group.initial.rebalance.delay.ms": "4000"}

Say = Callable[[str], None]


class Cell(NamedTuple):
    """A point of the throughput's growth."""

    partitions: int
    workers: int


class Start(NamedTuple):
    """A worker's way from its process's start to ready: seconds; and when it was ready, bytes, and rows it had read."""

    seconds: float
    peak: int
    disk: int
    restored: float


class Recovered(NamedTuple):
    """The same changelog read by a worker without a store, and by its successor after kill -9, with the store."""

    keys: int
    wiped: Start
    kept: Start


CELLS = (Cell(1, 1), Cell(2, 2), Cell(4, 4), Cell(4, 1))


def measure(short: bool, say: Say) -> list[Table]:
    """A broker and topics of its own for every point."""
    cells, keys, events = (CELLS[:2], KEYS[:1], 3_000) if short else (CELLS, KEYS, 120_000)
    rates = {cell: _throughput(cell, events, say) for cell in cells}
    return [_workers(rates, events), _keys([_recovery(number, say) for number in keys])]


def _throughput(cell: Cell, events: int, say: Say) -> float:
    """Derived events per second between the first and the last; all facts are on the log before a worker starts."""
    with (
        Rig(say, _PROPERTIES | (_TOGETHER if cell.workers > 1 else {}), cell.partitions) as rig,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        say(f"growth: {events:,} facts, {cell.partitions} partitions, {cell.workers} workers")
        runner.run(log.produce(rig.bootstrap, STATUS.name, workload.facts(events)))
        before = runner.run(log.ends(rig.bootstrap, [DELIVERY.name], cell.partitions))
        running = [_worker(rig, number, everywhere()) for number in range(cell.workers)]
        runner.run(_folded(rig, running, events))
        times = runner.run(log.times(rig.bootstrap, before, [DELIVERY.name]))
    starts, ends = min(times), max(times)
    # What was written at the start's very millisecond was folded before it.
    rate = sum(1 for at in times if at > starts) / (ends - starts) * 1000
    say(f"growth: {rate:,.0f} events/s")
    return rate


def _worker(rig: Rig, number: int, cores: set[int]) -> Running:
    name, port = f"processor-{number}", ports.pick()
    settings = {
        "SWITCHBOARD_PROCESSOR__PORT": str(port),
        "SWITCHBOARD_PROCESSOR__DATA_DIR": str(rig.folder / name),
        "SWITCHBOARD_PROCESSOR__INSTANCE_ID": name,
    }
    return rig.start(name, [*SWITCHBOARD, "processor"], settings, cores, port)


async def _folded(rig: Rig, running: list[Running], events: int) -> None:
    """Wait until all is committed. Raises CannotMeasure where not every worker had its share of it."""
    deadline = time.monotonic() + _LIMIT_S
    while (done := await log.committed(rig.bootstrap, _APP, STATUS.name)) < events:
        if any(rig.ended(worker) for worker in running) or time.monotonic() > deadline:
            raise CannotMeasure(f"the processor got stuck after {done:,} of {events:,} facts")
        await asyncio.sleep(0.2)
    shares = [worker.metric("switchboard_folded_total", 'fold="messages"') for worker in running]
    # Keys are spread by their hash, so shares differ by a few percent; one that came late has far less.
    if min(shares) < 0.7 * events / len(running):
        raise CannotMeasure(f"the facts were not shared out evenly: {', '.join(map(count, shares))}")


def _recovery(keys: int, say: Say) -> Recovered:
    with Rig(say) as rig:
        say(f"growth: writing a changelog of {keys:,} keys")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(log.produce(rig.bootstrap, _CHANGELOG, _rows(keys)))
        worker, wiped = _start(rig, say)
        if wiped.restored < keys:
            raise CannotMeasure(f"{wiped.restored:,.0f} of {keys:,} records were restored")
        rig.kill(worker)
        _, kept = _start(rig, say)
    return Recovered(keys, wiped, kept)


def _start(rig: Rig, say: Say) -> tuple[Running, Start]:
    started = time.monotonic()
    worker = _worker(rig, 0, MEASURED)
    rig.wait_ready(worker, _LIMIT_S)
    seconds = time.monotonic() - started
    restored = worker.metric("switchboard_restored_records_total", 'kind="active"')
    start = Start(seconds, peak_bytes(worker.pid), on_disk(rig.folder / worker.name), restored)
    say(f"growth: ready after {seconds:.1f} s, {restored:,.0f} rows read, {mebibytes(start.peak)}")
    return worker, start


def _rows(keys: int) -> Iterator[tuple[bytes, bytes]]:
    """Rows as the delivery fold writes them after a message's first two statuses."""
    state = None
    for _, value in workload.facts(2):
        event = msgspec.structs.replace(codec.decode(value, STATUS.event), message_sid=workload.sid(0))
        state, _ = fold(state, event)
    row, sid = codec.encode(state), workload.sid(0).encode()
    for number in range(keys):
        own = workload.sid(number).encode()
        yield own, row.replace(sid, own)


def _workers(rates: dict[Cell, float], events: int) -> Table:
    alone = rates[Cell(1, 1)]
    return Table(
        "Growth with partitions and workers",
        ("partitions", "workers", "events/s", "against one of each"),
        [(str(cell.partitions), str(cell.workers), count(rate), f"{rate / alone:.2f}") for cell, rate in rates.items()],
        (
            f"{events:,} status facts, all on the log before the workers start; from the first derived event to the "
            "last, by the broker's clock, over all partitions.",
            "All workers and the broker share this machine's cores: where there are more of them than cores, the "
            "figures tell what the machine can do, not what the design can.",
            "From the second worker on each also keeps the standby copies of another's tables.",
        ),
        (
            Chart(
                "Throughput",
                "partitions, and as many workers",
                "events/s",
                {"": [(cell.partitions, rate) for cell, rate in rates.items() if cell.partitions == cell.workers]},
            ),
        ),
    )


def _keys(recovered: list[Recovered]) -> Table:
    def curve(of: Callable[[Recovered], float]) -> list[tuple[float, float]]:
        return [(one.keys, of(one)) for one in recovered]

    return Table(
        "Growth with keys, one worker on one core",
        ("keys", "ready, store wiped", "ready, store kept", "rows read again", "RSS peak wiped", "kept", "on disk"),
        [
            (
                count(one.keys),
                *(f"{start.seconds:.1f} s" for start in (one.wiped, one.kept)),
                count(one.kept.restored),
                *(mebibytes(size) for size in (one.wiped.peak, one.kept.peak, one.wiped.disk)),
            )
            for one in recovered
        ],
        (
            "A changelog of one record per key on 4 partitions; seconds from the process's start to ready, with its "
            "joining. The kept store is that of a worker which was killed by kill -9 as soon as it was ready; the next "
            "one has its instance_id.",
        ),
        (
            Chart(
                "Recovery",
                "keys",
                "seconds to ready",
                {"wiped": curve(lambda one: one.wiped.seconds), "kept": curve(lambda one: one.kept.seconds)},
                True,
            ),
            Chart(
                "Memory",
                "keys",
                "RSS peak, MiB",
                {"wiped": curve(lambda one: one.wiped.peak / 2**20), "kept": curve(lambda one: one.kept.peak / 2**20)},
                True,
            ),
        ),
    )
