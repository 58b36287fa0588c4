"""How much memory each service holds after many messages, and what it grows with."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvloop

from services.contract.messages import MESSAGES, STATUS
from services.domain.clock import later
from services.runtime.clock import now
from tests.bench import log, workload
from tests.bench.load import Load
from tests.bench.processes import MEASURED, CannotMeasure, resident_bytes
from tests.bench.report import Table, count, mebibytes
from tests.bench.rig import SWITCHBOARD, Rig, Running

SHARES = (0.10, 0.25, 0.50, 1.00)

_LIMIT_S = 1800.0
_POLL_S = 0.25

Say = Callable[[str], None]
# A row of the table, and what the service's memory grows with.
Measured = tuple[tuple[str, ...], str]


class Growth:
    """Resident bytes of one process at its start and at each share of `total` messages."""

    def __init__(self, running: Running, total: int, say: Say) -> None:
        self.running = running
        self.total = total
        self._say = say
        self.samples = [(0, resident_bytes(running.pid))]

    def note(self, done: int) -> bool:
        """Sample if a share was passed. Whether all is done."""
        passed = len(self.samples) - 1
        if passed < len(SHARES) and done >= SHARES[passed] * self.total:
            self.samples.append((done, resident_bytes(self.running.pid)))
            self._say(f"memory: {self.running.name} has {done:,} messages, {mebibytes(self.samples[-1][1])}")
        return len(self.samples) > len(SHARES)

    def row(self) -> tuple[str, ...]:
        (half, at_half), (end, at_end) = self.samples[-2:]
        slope = (at_end - at_half) / max(1, end - half)
        sizes = (mebibytes(size) for _, size in self.samples)
        return self.running.name, count(self.total), *sizes, f"{slope:,.0f} bytes"


def measure(short: bool, say: Say) -> list[Table]:
    """A million messages each; the sender sends fewer, because the simulator is what takes the time there."""
    few = 50_000
    measured = [
        _run(_ingress, few if short else 1_000_000, say),
        _run(_processor, few if short else 1_000_000, say),
        _run(_sender, 2_000 if short else 50_000, say),
        _run(_waiting, 5_000 if short else 1_000_000, say),
        _run(_deferred, 5_000 if short else 1_000_000, say),
    ]
    columns = ("RSS", "messages", "at start", *(f"{share:.0%}" for share in SHARES), "a message, last half")
    notes = (
        *(what for _, what in measured),
        "RocksDB's block cache and its memtables are bounded, for all tables of a process together (64 MiB each by "
        "default, `block_cache_bytes` and `memtable_bytes`).",
        "The messages that the sender sends are fewer: each is a call to the simulator, which shares the machine.",
    )
    return [Table("Memory: RSS by share of the messages", columns, [row for row, _ in measured], notes)]


def _run(part: Callable[[Rig, int, Say], Awaitable[Measured]], total: int, say: Say) -> Measured:
    with Rig(say) as rig, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(part(rig, total, say))


async def _ingress(rig: Rig, total: int, say: Say) -> Measured:
    running = await asyncio.to_thread(rig.service, "ingress", MEASURED)
    growth = Growth(running, total, say)
    load = Load(running.port, workload.requests(min(total, 20_000)))
    await load.open()
    answers = await load.saturate(_LIMIT_S, until=lambda: growth.note(load.answers.completed))
    load.close()
    if answers.failed or answers.completed < total:
        raise CannotMeasure(f"ingress answered {answers.completed:,} of {total:,}; not 2xx: {dict(answers.failed)}")
    return growth.row(), "ingress: grows with requests in flight; keeps no message."


async def _processor(rig: Rig, total: int, say: Say) -> Measured:
    running = await asyncio.to_thread(rig.service, "processor", MEASURED)
    growth = Growth(running, total, say)
    producing = asyncio.create_task(log.produce(rig.bootstrap, STATUS.name, workload.facts(total)))
    await _follow(rig, growth, "switchboard_folded_total")
    await producing
    rows, disk = count(total / len(workload.STATUSES)), mebibytes(on_disk(rig.folder / "processor"))
    return growth.row(), f"processor: grows with RocksDB's two bounds, not with its rows: {rows}, {disk} on disk."


async def _sender(rig: Rig, total: int, say: Say) -> Measured:
    await asyncio.to_thread(rig.simulator)
    running = await asyncio.to_thread(rig.service, "sender", MEASURED)
    growth = Growth(running, total, say)
    producing = asyncio.create_task(log.produce(rig.bootstrap, MESSAGES.name, workload.commands(total)))
    await _follow(rig, growth, "switchboard_attempts_total")
    await producing
    return (
        growth.row(),
        f"sender: grows with RocksDB's bounds ({total:,} commands were open at once).",
    )


async def _waiting(rig: Rig, total: int, say: Say) -> Measured:
    return await _all_wait(rig, total, say, workload.commands(total), "all wait: one a minute may go")


async def _deferred(rig: Rig, total: int, say: Say) -> Measured:
    hence = later(now(), 6 * 3600)
    return await _all_wait(rig, total, say, workload.commands(total, not_before=hence), "all deferred: until tonight")


async def _all_wait(rig: Rig, total: int, say: Say, commands: Iterator[tuple[bytes, bytes]], what: str) -> Measured:
    running = await asyncio.to_thread(
        rig.start, "sender", [*SWITCHBOARD, "sender"], rig.slow, MEASURED, rig.ports["sender"]
    )
    await asyncio.to_thread(rig.wait_ready, running)
    growth = Growth(running, total, say)
    producing = asyncio.create_task(log.produce(rig.bootstrap, MESSAGES.name, commands))
    # One or two may have been sent to nowhere.
    await _follow(rig, growth, "switchboard_open_commands", missing=10)
    await producing
    rig.kill(running)
    again = await asyncio.to_thread(rig.start, "sender", [*SWITCHBOARD, "sender"], rig.slow, MEASURED, running.port)
    await asyncio.to_thread(rig.wait_ready, again)
    await asyncio.to_thread(
        rig.wait, again, lambda: again.metric("switchboard_open_commands") >= total - 10, "it knows what waits", 120.0
    )
    after = mebibytes(resident_bytes(again.pid))
    name, *sizes = growth.row()
    return (
        (f"{name}, {what.partition(':')[0]}", *sizes),
        f"sender, {what}; what waits is in the table. After kill -9 and its restart: {after}.",
    )


async def _follow(rig: Rig, growth: Growth, metric: str, missing: int = 0) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _LIMIT_S
    while not growth.note(missing + int(await asyncio.to_thread(growth.running.metric, metric))):
        if rig.ended(growth.running) or loop.time() > deadline:
            raise CannotMeasure(f"{growth.running.name} got stuck after {growth.samples[-1][0]:,} messages")
        await asyncio.sleep(_POLL_S)


def on_disk(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
