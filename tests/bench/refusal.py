"""What a stranger's request costs: CPU of an ingress per request that nobody signed, the worst that we have found."""

import asyncio
from collections.abc import Callable

import uvloop

from tests.bench.processes import MEASURED, CannotMeasure, thread_cpu_seconds
from tests.bench.report import Table, count
from tests.bench.rig import Rig, Running
from tests.bench.workload import ACCOUNT, TENANT
from tests.fuzz import costly

TARGET_MS = 2.0
# Others use the machine: of so many rounds the cheapest counts, for what they do only adds.
_ROUNDS = 5


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    times = 10 if short else 100
    rows = []
    with Rig(say) as rig, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        server = rig.service("ingress", MEASURED)
        for name, sent in costly.requests(ACCOUNT, TENANT).items():
            say(f"refusal: {name}")
            pieces = [sent[at : at + 1] for at in range(len(sent))] if name == costly.BYTE_BY_BYTE else [sent]
            runner.run(_asked(server, pieces, 10))
            spent = []
            for _ in range(_ROUNDS):
                before = thread_cpu_seconds(server.pid)
                status = runner.run(_asked(server, pieces, times))
                spent.append((thread_cpu_seconds(server.pid) - before) / times)
            rows.append((name, status, count(len(sent)), f"{min(spent) * 1000:.2f} ms"))
    return [
        Table(
            "What a request without a valid signature costs ingress",
            ("", "status", "bytes", "CPU"),
            sorted(rows, key=lambda row: float(row[-1].split()[0]), reverse=True),
            (
                f"Target: at most {TARGET_MS:.0f} ms. Parsing and answering are in it, and connecting where it ends. "
                f"The cheapest of {_ROUNDS} rounds of {times}.",
            ),
        )
    ]


async def _asked(server: Running, pieces: list[bytes], times: int) -> str:
    """Send it so often, one after another; the status of the last answer."""
    status, reader, writer = "", None, None
    for _ in range(times):
        if reader is None or writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for piece in pieces:
            if writer.is_closing() or reader.at_eof():
                break
            writer.write(piece)
            await asyncio.sleep(0)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(0 if pieces[0].startswith(b"HEAD") else _length(head))
        except (ConnectionError, asyncio.IncompleteReadError):
            head = b"HTTP/1.1 closed"
        status = head.split()[1].decode()
        if status.startswith("2"):
            raise CannotMeasure(f"{server.name} believed what nobody signed")
        if b"close" in head.lower():
            writer.close()
            reader = writer = None
    if writer is not None:
        writer.close()
    return status


def _length(head: bytes) -> int:
    found = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(found[0].partition(b":")[2]) if found else 0
