"""Webhook to derived event: real ingress and processor, from the POST being due to the event being readable."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer

from services.contract.messages import DELIVERY
from tests.bench import workload
from tests.bench.load import Load
from tests.bench.processes import CannotMeasure, everywhere
from tests.bench.report import Table, count, milliseconds, percentile
from tests.bench.rig import ROOT, Rig, Running

PACED = 500

# As long as for STOPs: ten seconds.
_WARM_UP = 10 * PACED
_LATE_S = 30.0


class _Derived(msgspec.Struct):
    message_sid: str


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    """One callback per message, so that each has one derived event."""
    found = waits(ROOT, 2000 if short else 20_000, say)
    row = [milliseconds(percentile(found, share)) for share in (0.5, 0.95, 0.99)]
    return [
        Table(
            f"Webhook to derived event at {PACED}/s",
            ("", "p50", "p95", "p99", "longest", "events"),
            [("twilio.delivery.v1", *row, milliseconds(max(found)), count(len(found)))],
            (
                "From when a webhook was due to when its event was handed to a consumer of committed records; through "
                f"ingress, Kafka, the fold's transaction and Kafka again. All on the same {len(everywhere())} cores.",
            ),
        )
    ]


def waits(tree: Path, number: int, say: Callable[[str], None]) -> list[float]:
    """How long each of so many events took that the services of this tree derived (seconds)."""
    say("signing callbacks")
    requests = workload.requests(_WARM_UP + number, statuses=("delivered",))
    with (
        Rig(say, tree=tree, broker_on=everywhere()) as rig,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        ingress, _ = rig.service("ingress", everywhere()), rig.service("processor", everywhere())
        say(f"latency: {number:,} callbacks at {PACED}/s")
        return runner.run(_waits(rig, ingress, requests, number))


async def _waits(rig: Rig, ingress: Running, requests: list[bytes], number: int) -> list[float]:
    load = Load(ingress.port, requests)
    await load.open()
    arrived: dict[str, float] = {}
    async with AIOKafkaConsumer(
        DELIVERY.name,
        bootstrap_servers=rig.bootstrap,
        group_id=None,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    ) as consumer:
        reading = asyncio.create_task(_read(consumer, arrived))
        await load.pace(PACED, _WARM_UP)
        await _until(lambda: len(arrived) >= _WARM_UP)
        answers, started = await load.pace(PACED, number)
        await _until(lambda: len(arrived) >= _WARM_UP + number)
        reading.cancel()
    load.close()
    if answers.failed:
        raise CannotMeasure(f"ingress did not answer 2xx: {dict(answers.failed)} (status: how often)")
    return [arrived[workload.sid(_WARM_UP + place)] - (started + place / PACED) for place in range(number)]


async def _read(consumer: AIOKafkaConsumer, arrived: dict[str, float]) -> None:
    decode = msgspec.json.Decoder(_Derived).decode
    while True:
        batches = await consumer.getmany(timeout_ms=1000)
        now = time.perf_counter()
        for records in batches.values():
            for record in records:
                arrived.setdefault(decode(record.value).message_sid, now)


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + _LATE_S
    while not condition():
        if time.perf_counter() > deadline:
            raise CannotMeasure(f"derived events are missing {_LATE_S:.0f} s after the last webhook")
        await asyncio.sleep(0.05)
