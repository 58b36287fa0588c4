"""Valid webhooks beside strangers: slow connections by the thousand, and a flood of the dearest unsigned requests."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import uvloop

from tests.bench import workload
from tests.bench.load import Load
from tests.bench.processes import MEASURED, CannotMeasure, others, peak_bytes
from tests.bench.report import Table, count, mebibytes, milliseconds, percentile
from tests.bench.rig import Rig, Running
from tests.fuzz import flood

PACED = 100
TARGET_S = 0.1

_WARM_UP = 200
# As many as a product that answers from one address keeps open.
_CONNECTIONS = 16
# What ingress.connections_per_address is by default.
_OF_ONE_ADDRESS = 500


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    number = 300 if short else 3000
    requests = workload.requests(3 * (_WARM_UP + number))
    with Rig(say) as rig, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        server = rig.service("ingress", MEASURED)
        crowds = {
            "nobody": (0, 0),
            "the flood": (0, flood.EAGER),
            "slow ones": (flood.SLOW, 0),
            "slow ones and the flood": (flood.SLOW, flood.EAGER),
        }
        rows = []
        for name, crowd in crowds.items():
            say(f"strangers: {name}")
            flooding = _come(rig, server, crowd) if any(crowd) else None
            rows.append((name, *runner.run(_beside(server, requests, number))))
            if flooding:
                if rig.ended(flooding):
                    raise CannotMeasure("the strangers went before the end")
                rig.kill(flooding)
    return [
        Table(
            f"Valid webhooks at {PACED}/s beside strangers",
            ("", "p50", "p99", "longest", "answered", "peak memory"),
            rows,
            (
                f"Target: p99 below {TARGET_S * 1000:.0f} ms. Slow: {flood.SLOW:,} connections that are silent, or "
                "send half a head or half a body, and then a byte a second; each comes again when it is closed. The "
                f"flood: {flood.EAGER} connections with the dearest unsigned requests, as fast as they are refused.",
            ),
        )
    ]


def _come(rig: Rig, server: Running, crowd: tuple[int, int]) -> Running:
    """They are there when this returns."""
    command = flood.command(server.port, workload.ACCOUNT, workload.TENANT, *crowd)
    flooding = rig.start("flood", command, {}, others())
    most = 0.9 * min(sum(crowd), _OF_ONE_ADDRESS)
    rig.wait(flooding, lambda: _open_files(server.pid) > most, "the strangers are there")
    return flooding


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def _beside(server: Running, requests: list[bytes], number: int) -> tuple[str, ...]:
    load = Load(server.port, requests)
    await load.open(_CONNECTIONS)
    await load.pace(PACED, _WARM_UP)
    answers, _ = await load.pace(PACED, number)
    load.close()
    good = answers.completed - sum(answers.failed.values())
    waits = [milliseconds(percentile(answers.seconds, share)) for share in (0.5, 0.99, 1.0)]
    return *waits, f"{count(good)} of {count(number)}", mebibytes(peak_bytes(server.pid))
