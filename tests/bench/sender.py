"""CPU per send: the sender, with its outbox and fences, beside a bare loop over the twilio package's client."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import uvloop

from services.contract.topics import MESSAGES
from tests.bench import log, workload
from tests.bench.processes import MEASURED, CannotMeasure, cpu_seconds, on
from tests.bench.report import Table, count, ratio
from tests.bench.rig import Rig, Running

_CONCURRENCY = 50
_LIMIT_S = 600.0


class Round(NamedTuple):
    """CPU seconds and wall-clock seconds per send."""

    cpu: float
    wall: float


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    """Alternates between the two against one simulator."""
    rounds, sends = (1, 500) if short else (3, 5000)
    ours, bare = [], []
    with Rig(say) as rig, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        simulator = rig.simulator()
        sender = rig.service("sender", MEASURED)
        for number in range(rounds):
            say(f"sender, round {number + 1} of {rounds}")
            ours.append(runner.run(_ours(rig, sender, number, sends)))
            bare.append(_bare(rig, simulator, sends))
    rows = [
        (name, f"{median([o.cpu for o in each]) * 1e6:,.0f} µs", count(1 / median([o.wall for o in each])))
        for name, each in (("Switchboard", ours), ("bare loop", bare))
    ]
    notes = (
        f"Times the bare loop's CPU: {ratio([o.cpu for o in ours], [b.cpu for b in bare])}. {sends:,} sends a round, "
        f"{_CONCURRENCY} calls under way, against the simulator; both run by the speed of that.",
        "Ours reads commands, writes each attempt under a fence before the call, and its end after it.",
    )
    return [Table("Sending, one core", ("", "CPU per send", "sends/s"), rows, notes)]


async def _ours(rig: Rig, sender: Running, number: int, sends: int) -> Round:
    cpu, started = cpu_seconds(sender.pid), time.monotonic()
    await log.produce(rig.bootstrap, MESSAGES.name, workload.commands(sends, first=number * sends))
    wanted = (number + 1) * sends
    while sender.metric("switchboard_attempts_total") < wanted:
        if rig.ended(sender) or time.monotonic() - started > _LIMIT_S:
            raise CannotMeasure(f"the sender has not made {wanted:,} attempts")
        await asyncio.sleep(0.1)
    return Round((cpu_seconds(sender.pid) - cpu) / sends, (time.monotonic() - started) / sends)


def _bare(rig: Rig, simulator: Running, sends: int) -> Round:
    command = [sys.executable, "-m", "tests.bench.rivals.send", simulator.url, str(sends), str(_CONCURRENCY)]
    started = time.monotonic()
    with on(MEASURED):
        done = subprocess.run(
            command, env=rig.environment(), capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    if done.returncode:
        raise CannotMeasure(f"the bare loop failed:\n{done.stderr[-2000:]}")
    return Round(float(done.stdout) / sends, (time.monotonic() - started) / sends)
