"""How throughput grows with workers, and recovery and memory with keys: the real processor on its delivery table."""

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec
import uvloop

from services.cli.kafka import ports
from services.contract import codec
from services.contract.topics import PROCESSOR_APP, STATUS, changelog
from services.domain.messages.delivery import fold
from tests.bench import log, workload
from tests.bench.memory import on_disk
from tests.bench.processes import MEASURED, CannotMeasure, everywhere, resident_bytes
from tests.bench.report import Chart, Table, count, mebibytes
from tests.bench.rig import PARTITIONS, SWITCHBOARD, Rig, Running

WORKERS = (1, 2, 4)
KEYS = (10_000, 100_000, 1_000_000, 3_000_000)

_LIMIT_S = 600.0
_POLL_S = 0.1
_CHANGELOG = changelog(PROCESSOR_APP, "delivery")

Say = Callable[[str], None]
T = TypeVar("T")


class Recovered(NamedTuple):
    """One wiped worker: seconds from its start until it was ready, and what it was like then."""

    keys: int
    seconds: float
    memory: int
    disk: int
    rate: float


def measure(short: bool, say: Say) -> list[Table]:
    """A broker and topics of its own for every point."""
    workers, keys = ((1, 2), KEYS[:1]) if short else (WORKERS, KEYS)
    events = 5_000 if short else 60_000
    rates = {number: _on_rig(say, partial(_throughput, number, events, say)) for number in workers}
    recovered = [_on_rig(say, partial(_recovery, number, events // 2, say)) for number in keys]
    return [_workers(rates), _keys(recovered)]


def _on_rig(say: Say, part: Callable[[Rig], T]) -> T:
    with Rig(say) as rig:
        return part(rig)


def _throughput(workers: int, events: int, say: Say, rig: Rig) -> float:
    running = [_worker(rig, number, everywhere()) for number in range(workers)]
    for worker in running:
        rig.wait_ready(worker)
    _settled(rig, running)
    return _rate(rig, running, events, say)


def _worker(rig: Rig, number: int, cores: set[int]) -> Running:
    port = ports.pick()
    settings = {
        "SWITCHBOARD_PROCESSOR__PORT": str(port),
        "SWITCHBOARD_PROCESSOR__DATA_DIR": str(rig.folder / f"processor-{number}"),
    }
    return rig.start(f"processor-{number}", [*SWITCHBOARD, "processor"], settings, cores, port)


def _settled(rig: Rig, running: list[Running]) -> None:
    """Wait until each has its share of the partitions."""
    share = PARTITIONS // len(running)
    for worker in running:
        rig.wait(
            worker,
            lambda worker=worker: worker.metric("switchboard_partitions_owned", 'fold="messages"') == share,
            f"{worker.name} has {share} partitions",
        )
        rig.wait_ready(worker)


def _rate(rig: Rig, running: list[Running], events: int, say: Say) -> float:
    """Events per second between the first and the last that were folded; they are all on the log before that ends."""
    folded = _folded(running)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        say(f"growth: {events:,} facts to {len(running)} workers")
        runner.run(log.produce(rig.bootstrap, STATUS.name, workload.facts(events)))
    started, first = time.monotonic(), _folded(running) - folded
    deadline = started + _LIMIT_S
    while (done := _folded(running) - folded) < events:
        if any(rig.ended(worker) for worker in running) or time.monotonic() > deadline:
            raise CannotMeasure(f"the processor got stuck after {done:,.0f} of {events:,} facts")
        time.sleep(_POLL_S)
    return (events - first) / (time.monotonic() - started)


def _folded(running: list[Running]) -> float:
    return sum(worker.metric("switchboard_folded_total", 'fold="messages"') for worker in running)


def _recovery(keys: int, events: int, say: Say, rig: Rig) -> Recovered:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        say(f"growth: writing a changelog of {keys:,} keys")
        runner.run(log.produce(rig.bootstrap, _CHANGELOG, _rows(keys)))
    started = time.monotonic()
    worker = _worker(rig, 0, MEASURED)
    rig.wait_ready(worker, _LIMIT_S)
    seconds = time.monotonic() - started
    say(f"growth: restored {keys:,} keys in {seconds:.1f} s")
    memory, disk = resident_bytes(worker.pid), on_disk(rig.folder / "processor-0")
    restored = worker.metric("switchboard_restored_records_total", 'kind="active"')
    if restored < keys:
        raise CannotMeasure(f"{restored:,.0f} of {keys:,} records were restored")
    rate = _rate(rig, [worker], events, say)
    return Recovered(keys, seconds, memory, disk, rate)


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


def _workers(rates: dict[int, float]) -> Table:
    return Table(
        f"Growth with workers, {PARTITIONS} partitions",
        ("workers", "events/s", "against one"),
        [(str(number), count(rate), f"{rate / rates[1]:.2f}") for number, rate in rates.items()],
        (
            "All workers, the broker and the measuring share this machine's cores: where there are more workers than "
            "free cores, the figures tell what the machine can do, not what the design can.",
            "From the second worker on each also keeps the standby copies of another's tables.",
        ),
        (Chart("Throughput", "workers", "events/s", list(rates.items())),),
    )


def _keys(recovered: list[Recovered]) -> Table:
    return Table(
        "Growth with keys, one worker on one core",
        ("keys", "from start to ready", "RSS when ready", "on disk", "events/s afterwards"),
        [
            (count(one.keys), f"{one.seconds:.1f} s", mebibytes(one.memory), mebibytes(one.disk), count(one.rate))
            for one in recovered
        ],
        (
            "A worker without a store, and a changelog of one record per key; the seconds contain "
            "the process's start and its joining.",
        ),
        (
            Chart("Recovery", "keys", "seconds to ready", [(one.keys, one.seconds) for one in recovered], True),
            Chart("Memory", "keys", "RSS, MiB", [(one.keys, one.memory / (1 << 20)) for one in recovered], True),
        ),
    )
