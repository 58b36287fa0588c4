"""Webhook to 2xx with acks=all on one core: ours beside FastAPI, RequestValidator and aiokafka."""

import asyncio
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import uvloop

from services.embedded import ports
from tests.bench import workload
from tests.bench.load import Answers, Load
from tests.bench.processes import MEASURED, CannotMeasure, cpu_seconds, needs
from tests.bench.report import Table, count, milliseconds, percentile, ratio
from tests.bench.rig import Rig, Running
from tests.kafka_records import create_topics

PACED = 500

_DISTINCT = 20_000
_WARM_UP_S = 2.0
_RIVAL_TOPIC = "bench.rival.status"
# As `pip install fastapi uvicorn` runs it, and with the faster loop and parser that are to be had.
_PLAIN, _TUNED = "FastAPI", "FastAPI, uvloop and httptools"
_RIVALS = {_PLAIN: ("asyncio", "h11"), _TUNED: ("uvloop", "httptools")}


class Round(NamedTuple):
    """One time at full load: answers per second, CPU seconds per answer, share of its core that the server used."""

    rate: float
    cpu: float
    busy: float


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    """Alternates between them, so that what the machine does meanwhile meets all."""
    needs("fastapi", "uvicorn", "multipart", "httptools")
    rounds, seconds, distinct = (1, 3.0, 2000) if short else (5, 8.0, _DISTINCT)
    say("signing callbacks")
    requests = workload.requests(distinct)
    with Rig(say) as rig, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(create_topics(rig.bootstrap, [_RIVAL_TOPIC], partitions=4))
        servers = {"Switchboard": rig.service("ingress", MEASURED)}
        servers |= {name: _rival(rig, *how) for name, how in _RIVALS.items()}
        found: dict[str, list[Round]] = {name: [] for name in servers}
        for number in range(rounds):
            for name, server in servers.items():
                say(f"ingress, round {number + 1} of {rounds}: {name} at full load")
                found[name].append(runner.run(saturated(server, requests, seconds)))
        paced = {}
        for name, server in servers.items():
            say(f"ingress: {name} at {PACED} requests/s")
            paced[name] = runner.run(_paced(server, requests, int(PACED * seconds)))
    return [_throughput(found), _latency(paced)]


def _rival(rig: Rig, loop: str, parser: str) -> Running:
    port = ports.pick()
    command = [sys.executable, "-m", "uvicorn", "tests.bench.rivals.webhook:app"]
    options = ["--port", str(port), "--loop", loop, "--http", parser, "--no-access-log", "--log-level", "warning"]
    settings = {"BENCH_BOOTSTRAP": rig.bootstrap, "BENCH_PUBLIC_URL": workload.PUBLIC_URL}
    running = rig.start(f"fastapi-{loop}", [*command, *options], settings, MEASURED, port)
    rig.wait_ready(running)
    return running


async def saturated(server: Running, requests: list[bytes], seconds: float) -> Round:
    """As many requests as it takes, after a warm-up. Raises CannotMeasure where one is refused."""
    load = Load(server.port, requests)
    await load.open()
    _refuse_failures(server, await load.saturate(_WARM_UP_S))
    cpu, started = cpu_seconds(server.pid), time.perf_counter()
    answers = await load.saturate(seconds)
    cpu, took = cpu_seconds(server.pid) - cpu, time.perf_counter() - started
    load.close()
    _refuse_failures(server, answers)
    return Round(answers.completed / took, cpu / answers.completed, cpu / took)


async def _paced(server: Running, requests: list[bytes], number: int) -> Answers:
    load = Load(server.port, requests)
    await load.open()
    answers, _ = await load.pace(PACED, number)
    load.close()
    _refuse_failures(server, answers)
    return answers


def _refuse_failures(server: Running, answers: Answers) -> None:
    if answers.failed:
        raise CannotMeasure(f"{server.name} did not answer 2xx: {dict(answers.failed)} (status: how often)")


def _throughput(found: dict[str, list[Round]]) -> Table:
    ours = found["Switchboard"]
    rows = [
        (
            name,
            count(median([one.rate for one in each])),
            f"{median([one.cpu for one in each]) * 1e6:,.0f} µs",
            f"{median([one.busy for one in each]):.0%}",
        )
        for name, each in found.items()
    ]
    return Table(
        "Webhook to 2xx, one core, acks=all",
        ("", "requests/s", "CPU per request", "core in use"),
        rows,
        (
            *(
                f"Ours to {name}, the median of the rounds: {_by_rate(ours, found[name])} in throughput, "
                f"{ratio([t.cpu for t in found[name]], [o.cpu for o in ours])} in CPU per request."
                for name in _RIVALS
            ),
            f"Target: at least 5 times the throughput of {_PLAIN}.",
            "Signed status callbacks of 560 bytes, 64 keep-alive connections; the broker and the load generator on "
            "the other cores. FastAPI: one uvicorn worker, RequestValidator, aiokafka's send_and_wait.",
        ),
    )


def _by_rate(ours: list[Round], theirs: list[Round]) -> str:
    return ratio([o.rate for o in ours], [t.rate for t in theirs])


def _latency(paced: dict[str, Answers]) -> Table:
    shares = (0.50, 0.95, 0.99)
    rows = [
        (name, *(milliseconds(percentile(answers.seconds, share)) for share in shares), count(answers.completed))
        for name, answers in paced.items()
    ]
    return Table(
        f"Webhook to 2xx at {PACED} requests/s, one core, acks=all",
        ("", "p50", "p95", "p99", "requests"),
        rows,
        ("From when a request was due, so that waits count. Target: p95 below 10 ms.",),
    )
