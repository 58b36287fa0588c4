"""The delivery fold with RocksDB and changelog on one core: ours beside Quix Streams, same function, same events."""

import asyncio
import math
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

import uvloop

from services.contract.fold import changelog
from services.contract.messages import DELIVERY, OUTCOMES, STATUS
from tests.bench import log, workload
from tests.bench.processes import MEASURED, CannotMeasure, cpu_seconds, needs
from tests.bench.report import Table, count, ratio
from tests.bench.rig import PARTITIONS, Rig, Running
from tests.kafka_records import create_topics

_LIMIT_S = 300.0


class Round(NamedTuple):
    """One run: events folded per second, and CPU seconds per event (not a number where the run was too short)."""

    rate: float
    cpu: float


class _Engine(NamedTuple):
    """A way to fold. `changelog` and `command` depend on the name of the run."""

    name: str
    changelog: Callable[[str], str]
    command: Callable[[Rig, str, int], list[str]]
    guarantee: str


def _ours(rig: Rig, run: str, _: int) -> list[str]:
    return ["tests.bench.fold_worker", rig.bootstrap, run, str(rig.folder / run), str(PARTITIONS)]


def _quix(rig: Rig, run: str, events: int) -> list[str]:
    return ["tests.bench.rivals.fold", rig.bootstrap, run, str(rig.folder / run), str(workload.derived(events))]


_ENGINES = (
    _Engine(
        "Switchboard",
        lambda run: changelog(run, "delivery"),
        _ours,
        "derived events and changelog in one fenced transaction per flush",
    ),
    _Engine(
        "Quix Streams",
        lambda run: f"changelog__{run}--{STATUS.name}--default",
        _quix,
        "at least once, a checkpoint each second",
    ),
)


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    """Alternates between the two, each time from the first event on with an empty store."""
    needs("quixstreams")
    rounds, events = (1, 10_000) if short else (3, 60_000)
    found: dict[str, list[Round]] = {engine.name: [] for engine in _ENGINES}
    # The broker's clock on every record tells when it was folded, for both alike.
    with (
        Rig(say, {"log.message.timestamp.type": "LogAppendTime"}) as rig,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        say(f"producing {events:,} status facts")
        runner.run(log.produce(rig.bootstrap, STATUS.name, workload.facts(events)))
        for number in range(rounds):
            for engine in _ENGINES:
                say(f"fold, round {number + 1} of {rounds}: {engine.name}")
                found[engine.name].append(runner.run(_round(rig, engine, f"bench-{engine.name[:4]}-{number}", events)))
    return [_table(found, events)]


async def _round(rig: Rig, engine: _Engine, run: str, events: int) -> Round:
    await create_topics(rig.bootstrap, [engine.changelog(run)], PARTITIONS, {"cleanup.policy": "compact"})
    topics = [DELIVERY.name, OUTCOMES.name, engine.changelog(run)]
    before = await log.ends(rig.bootstrap, topics)
    worker = rig.start(run, [sys.executable, "-m", *engine.command(rig, run, events)], {}, MEASURED)
    cpu = await _watch(rig, worker, run, events, DELIVERY.name)
    rig.stop(worker)
    folded = await log.times(rig.bootstrap, before, [DELIVERY.name])
    ends = max(await log.times(rig.bootstrap, before, topics))
    starts = min(folded)
    # What was written at the start's very millisecond was folded before it.
    counted = sum(1 for at in folded if at > starts)
    return Round(counted / (ends - starts) * 1000, cpu)


async def _watch(rig: Rig, worker: Running, run: str, events: int, topic: str) -> float:
    """Wait until all is committed. Returns the CPU seconds per derived event, between the first and the last seen."""
    deadline = time.monotonic() + _LIMIT_S
    seen: list[tuple[int, float]] = []
    while await log.committed(rig.bootstrap, run, STATUS.name) < events:
        ends = await log.ends(rig.bootstrap, [topic])
        if rig.ended(worker):
            break
        seen.append((sum(ends.values()), cpu_seconds(worker.pid)))
        if time.monotonic() > deadline:
            raise CannotMeasure(f"{run} has not folded {events:,} events within {_LIMIT_S:.0f} s")
        await asyncio.sleep(0.1)
    return _slope(seen)


def _slope(seen: Sequence[tuple[int, float]]) -> float:
    moved = [(done, cpu) for (done, cpu), (before, _) in zip(seen[1:], seen, strict=False) if done > before]
    if len(moved) < 2:
        return math.nan
    (first, cpu_first), (last, cpu_last) = moved[0], moved[-1]
    return (cpu_last - cpu_first) / (last - first)


def _table(found: dict[str, list[Round]], events: int) -> Table:
    ours, theirs = (found[engine.name] for engine in _ENGINES)
    rows = [
        (
            engine.name,
            count(median([one.rate for one in found[engine.name]])),
            f"{median([one.cpu for one in found[engine.name]]) * 1e6:,.0f} µs",
            engine.guarantee,
        )
        for engine in _ENGINES
    ]
    return Table(
        "The delivery fold with RocksDB and changelog, one core",
        ("", "events/s", "CPU per event", "promise"),
        rows,
        (
            f"Ratio, the median of the rounds: {ratio([o.rate for o in ours], [t.rate for t in theirs])}; "
            "target: at least 1.0.",
            f"The same by CPU per event, which neighbours disturb less: "
            f"{ratio([t.cpu for t in theirs], [o.cpu for o in ours])}.",
            f"{events:,} status facts of {events // 3:,} messages, a message's far apart, on {PARTITIONS} partitions; "
            "from an empty store; JSON by the same codec in both. From the first derived event to the last record of "
            "table or topic, by the broker's clock.",
        ),
    )
