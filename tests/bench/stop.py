"""STOP's webhook to the block: real ingress and sender, under 500 inbound messages a second."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.contract import codec
from services.contract.messages import MESSAGES
from services.contract.outbound import RESULTS
from services.domain.messages.commands import SendMessage
from tests.bench import workload
from tests.bench.load import Load
from tests.bench.processes import CannotMeasure, everywhere
from tests.bench.report import Table, count, milliseconds, percentile
from tests.bench.rig import ROOT, Rig, Running

PACED = 500
_PROBE_EVERY_S = 0.05
_LATE_S = 30.0
# The first are asked of a broker that still compiles its own code, and say nothing of ours.
_WARM_UP = 200
# Their numbers are nobody's who writes in the background.
_FIRST_PROBE = 1_000_000


class _Result(msgspec.Struct):
    command_id: str
    step: str
    terminal: bool
    category: str | None = None


class Probe(msgspec.Struct):
    """One person who says STOP, and is written to as soon as Twilio has its answer. Times in seconds."""

    number: int
    due: float
    acknowledged: float = 0.0
    blocked: float = 0.0


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    """Every command must be blocked: it is produced only after the STOP was acknowledged."""
    measured = probes_of(ROOT, 40 if short else 400, say)
    rows = [
        _row("STOP's webhook → 2xx", [probe.acknowledged - probe.due for probe in measured]),
        _row("STOP's webhook → a command produced after it is told `blocked`", [p.blocked - p.due for p in measured]),
    ]
    return [
        Table(
            f"From STOP to the block, at {PACED} inbound messages/s",
            ("", "p50", "p95", "p99", "longest", "times"),
            rows,
            (
                "The command is produced when the webhook has its answer, and its result read from the log: through "
                f"intake, outbox, the barrier and the gate, after {_WARM_UP} that warm all up. None was sent. All on "
                f"the same {len(everywhere())} cores.",
            ),
        )
    ]


def probes_of(tree: Path, number: int, say: Callable[[str], None]) -> list[Probe]:
    """So many people who say STOP to the services of this tree, one each 50 ms, beyond those who warm it up."""
    background = int(PACED * ((_WARM_UP + number) * _PROBE_EVERY_S + 5))
    say("signing messages")
    requests = [workload.inbound(place, "When will it come?") for place in range(background)]
    with (
        Rig(say, tree=tree, broker_on=everywhere()) as rig,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        rig.simulator()
        ingress, _ = rig.service("ingress", everywhere()), rig.service("sender", everywhere())
        say(f"stop: {number} STOPs under {PACED} messages/s")
        return runner.run(_probes(rig, ingress, requests, _WARM_UP + number))[_WARM_UP:]


def _row(name: str, waits: list[float]) -> list[str]:
    return [
        name, *(milliseconds(percentile(waits, share)) for share in (0.5, 0.95, 0.99)),
        milliseconds(max(waits)), count(len(waits)),
    ]  # fmt: skip


async def _probes(rig: Rig, ingress: Running, requests: list[bytes], number: int) -> list[Probe]:
    load = Load(ingress.port, requests)
    await load.open()
    probes: dict[str, Probe] = {}
    async with (
        AIOKafkaConsumer(
            RESULTS.name, bootstrap_servers=rig.bootstrap, group_id=None,
            isolation_level="read_committed", auto_offset_reset="earliest",
        ) as consumer,
        AIOKafkaProducer(bootstrap_servers=rig.bootstrap, acks="all") as producer,
    ):  # fmt: skip
        reading = asyncio.create_task(_read(consumer, probes))
        pacing = asyncio.create_task(load.pace(PACED, len(requests)))
        stops = [workload.inbound(_FIRST_PROBE + place, "STOP") for place in range(number)]
        probing = []
        for place, stop in enumerate(stops):
            probe = Probe(number=_FIRST_PROBE + place, due=time.perf_counter())
            probes[f"stop-{probe.number}"] = probe
            probing.append(asyncio.create_task(_stop(ingress, producer, probe, stop)))
            await asyncio.sleep(_PROBE_EVERY_S)
        await asyncio.gather(*probing)
        await _until(lambda: all(probe.blocked for probe in probes.values()), reading)
        await pacing
        reading.cancel()
    load.close()
    return list(probes.values())


async def _stop(ingress: Running, producer: AIOKafkaProducer, probe: Probe, request: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
    probe.due = time.perf_counter()
    writer.write(request)
    answer = await reader.readline()
    probe.acknowledged = time.perf_counter()
    writer.close()
    if b" 200 " not in answer:
        raise CannotMeasure(f"ingress did not take a STOP: {answer!r}")
    command = SendMessage(
        command_id=f"stop-{probe.number}", tenant=workload.TENANT, to=workload.person(probe.number),
        from_=workload.SENDER, body="Your order is on its way.",
    )  # fmt: skip
    await producer.send_and_wait(MESSAGES.name, codec.encode(command), key=command.command_id.encode())


async def _read(consumer: AIOKafkaConsumer, probes: dict[str, Probe]) -> None:
    decode = msgspec.json.Decoder(_Result).decode
    while True:
        batches = await consumer.getmany(timeout_ms=1000)
        now = time.perf_counter()
        for record in (record for records in batches.values() for record in records):
            result = decode(record.value)
            if result.terminal and result.command_id in probes:
                if (result.step, result.category) != ("blocked", "suppressed"):
                    raise CannotMeasure(f"{result.command_id} was {result.step} after its contact's STOP")
                probes[result.command_id].blocked = now


async def _until(condition: Callable[[], bool], reading: "asyncio.Task[None]") -> None:
    deadline = time.perf_counter() + _LATE_S
    while not condition():
        if reading.done():
            reading.result()
        if time.perf_counter() > deadline:
            raise CannotMeasure(f"results are missing {_LATE_S:.0f} s after the last command")
        await asyncio.sleep(0.05)
