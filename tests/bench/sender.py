"""CPU per send: the sender, with its outbox and fences, beside a bare loop over the twilio package's client; and how
much of its concurrency it fills when Twilio takes its time."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import requests
import uvloop

from services.contract.fold import SENDER_APP
from services.contract.messages import MESSAGES, OUTCOMES, SENT
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.topics import CHANGELOGS
from services.embedded import ports
from tests.bench import log, workload
from tests.bench.processes import MEASURED, CannotMeasure, cpu_seconds, on, others
from tests.bench.report import Table, count, ratio
from tests.bench.rig import Rig, Running

_CONCURRENCY = 50
_LIMIT_S = 600.0
# All that the sender writes.
_WRITTEN = [topic.name for topic in (ACCEPTED, RESULTS, SENT, OUTCOMES)]
_WRITTEN += [changelog for changelog in CHANGELOGS if changelog.startswith(SENDER_APP)]
# As Twilio's own.
_LATENCY_S = 0.1
# Scraping the sender's metrics costs it CPU of its own.
_LOOK_S = 0.5


class Round(NamedTuple):
    """CPU seconds and wall-clock seconds per send."""

    cpu: float
    wall: float


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    """Alternates between the two against one stub of Twilio; then the sender alone against a slow one."""
    rounds, sends = (1, 500) if short else (3, 5000)
    ours, bare = [], []
    with Rig(say) as rig, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stub = stub_of(rig, rig.ports["simulator"], 0.0)
        slow = stub_of(rig, ports.pick(), _LATENCY_S)
        sender = rig.service("sender", MEASURED)
        # The first commands pay for what is made once: connections, statements, code paths.
        since = runner.run(log.ends(rig.bootstrap, _WRITTEN))
        runner.run(our_sends(rig, sender, stub, 0, sends))
        records = len(runner.run(log.times(rig.bootstrap, since, _WRITTEN))) / sends
        for number in range(rounds):
            say(f"sender, round {number + 1} of {rounds}")
            ours.append(runner.run(our_sends(rig, sender, stub, (number + 1) * sends, sends)))
            bare.append(_bare(rig, stub, sends))
        rig.stop(sender)
        say(f"sender, {_LATENCY_S:g} s of latency")
        api = {"SWITCHBOARD_TWILIO__API": slow.url, "SWITCHBOARD_SENDER__CONCURRENCY": str(_CONCURRENCY)}
        sender = rig.start("sender", [sys.executable, "-m", "services.cli", "sender"], api, MEASURED, sender.port)
        rig.wait_ready(sender)
        filled = runner.run(_filled(rig, sender, slow, (rounds + 1) * sends, sends))
    rows = [
        (name, f"{median([o.cpu for o in each]) * 1e6:,.0f} µs", count(1 / median([o.wall for o in each])))
        for name, each in (("Switchboard", ours), ("bare loop", bare))
    ]
    notes = (
        f"Times the bare loop's CPU: {ratio([o.cpu for o in ours], [b.cpu for b in bare])}. {sends:,} sends a round, "
        f"{_CONCURRENCY} calls under way, against a stub that answers at once.",
        f"Ours reads commands, writes each attempt under a fence before the call, and its end after it: {records:.1f} "
        "records a send, those of its changelogs among them.",
    )
    fill = (f"{_LATENCY_S * 1000:.0f} ms", str(_CONCURRENCY), f"{filled:.0%}")
    return [
        Table("Sending, one core", ("", "CPU per send", "sends/s"), rows, notes),
        Table("Filling the concurrency", ("Twilio's latency", "calls at a time", "filled"), [fill]),
    ]


def stub_of(rig: Rig, port: int, latency_s: float) -> Running:
    command = [sys.executable, "-m", "tests.bench.stub", str(port), str(latency_s)]
    stub = rig.start(f"stub-{port}", command, {}, others(), port)
    rig.wait(stub, lambda: not ports.is_free(port), "the stub listens")
    return stub


def _answered(stub: Running) -> int:
    return int(requests.get(stub.url, timeout=10).text)


async def _until(rig: Rig, sender: Running, what: str, condition: Callable[[], bool], look_s: float) -> None:
    started = time.monotonic()
    while not condition():
        if rig.ended(sender) or time.monotonic() - started > _LIMIT_S:
            raise CannotMeasure(f"the sender has not made {what}")
        await asyncio.sleep(look_s)


async def our_sends(rig: Rig, sender: Running, stub: Running, first: int, sends: int) -> Round:
    calls, ends = _answered(stub) + sends, first + sends
    cpu, started = cpu_seconds(sender.pid), time.monotonic()
    await log.produce(rig.bootstrap, MESSAGES.name, workload.commands(sends, first))
    await _until(rig, sender, f"{calls:,} calls", lambda: _answered(stub) >= calls, 0.05)
    wall = time.monotonic() - started
    told = "switchboard_attempts_total"
    await _until(rig, sender, f"{ends:,} ends of attempts", lambda: sender.metric(told) >= ends, _LOOK_S)
    return Round((cpu_seconds(sender.pid) - cpu) / sends, wall / sends)


async def _filled(rig: Rig, sender: Running, stub: Running, first: int, sends: int) -> float:
    """The share of the calls that could be under way: in the middle of the work, where it neither starts nor ends."""
    await log.produce(rig.bootstrap, MESSAGES.name, workload.commands(sends, first))
    moments = []
    for share in (0.2, 0.8):
        await _until(rig, sender, "its calls", lambda share=share: _answered(stub) >= share * sends, 0.01)
        moments.append((time.monotonic(), _answered(stub)))
    (begun, before), (ended, after) = moments
    return (after - before) * _LATENCY_S / (ended - begun) / _CONCURRENCY


def _bare(rig: Rig, stub: Running, sends: int) -> Round:
    command = [sys.executable, "-m", "tests.bench.rivals.send", stub.url, str(sends), str(_CONCURRENCY)]
    started = time.monotonic()
    with on(MEASURED):
        done = subprocess.run(
            command, env=rig.environment(), capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    if done.returncode:
        raise CannotMeasure(f"the bare loop failed:\n{done.stderr[-2000:]}")
    return Round(float(done.stdout) / sends, (time.monotonic() - started) / sends)
