"""A producer's flood, and what others wait for it: on a tenant's own topic, and on the shared one. Real sender."""

import asyncio
import time
from collections.abc import Callable

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.contract import codec
from services.contract.messages import MESSAGES
from services.contract.outbound import RESULTS
from services.contract.topic import own_topic
from services.domain.messages.commands import SendMessage
from tests.bench import workload
from tests.bench.processes import CannotMeasure, everywhere
from tests.bench.report import Table, count, milliseconds, percentile
from tests.bench.rig import PARTITIONS, Rig

FLOODING = "flooding"
_PROBE_EVERY_S = 0.1
_QUIET_PROBES = 50
_LATE_S = 120.0
_TOGETHER = 500
_LAST = "flood-last"


class _Result(msgspec.Struct):
    command_id: str
    step: str


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    """Each probe is a command of another tenant on the shared topic; it waits for intake alone."""
    flood = 5_000 if short else 40_000
    rows = []
    with Rig(say, tenant_topics=[FLOODING]) as rig, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rig.simulator()
        rig.service("sender", everywhere())
        for name, topic in (
            ("no flood", None),
            (f"{count(flood)} refused commands on a tenant's own topic", own_topic(MESSAGES, FLOODING).name),
            (f"{count(flood)} refused commands on the shared topic", MESSAGES.name),
        ):
            say(f"producers: {name}")
            waits = runner.run(_Probes(rig.bootstrap).run(topic, flood))
            rows.append([name, *(milliseconds(percentile(waits, share)) for share in (0.5, 0.99)),
                         milliseconds(max(waits)), count(len(waits))])  # fmt: skip
    return [
        Table(
            "What others wait for one producer's flood",
            ("", "p50", "p99", "longest", "times"),
            rows,
            (
                "From a command that another producer writes to the shared topic until its `accepted` is read. The "
                f"flood is written at once, before the probes. All on the same {len(everywhere())} cores.",
            ),
        )
    ]


class _Probes:
    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._sent: dict[str, float] = {}
        self._waits: list[float] = []
        self._flood_is_over = asyncio.Event()
        self._all_sent = False
        self._all_answered = asyncio.Event()

    async def run(self, topic: str | None, flood: int) -> list[float]:
        """Seconds that each probe waited, while a flood on `topic` is folded."""
        consumer = AIOKafkaConsumer(
            RESULTS.name,
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="latest",
        )
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", max_batch_size=256 * 1024)
        async with producer, consumer:
            for partition in consumer.assignment():
                await consumer.position(partition)
            reading = asyncio.create_task(self._read(consumer))
            if topic is not None:
                await self._flood(producer, topic, flood)
            number = 0
            while number < _QUIET_PROBES or (topic is not None and not self._flood_is_over.is_set()):
                await self._probe(producer, number)
                number += 1
                await asyncio.sleep(_PROBE_EVERY_S)
            try:
                self._all_sent = True
                self._answered()
                async with asyncio.timeout(_LATE_S):
                    await self._all_answered.wait()
            except TimeoutError as error:
                raise CannotMeasure(f"{len(self._sent)} commands were not accepted within {_LATE_S:.0f} s") from error
            finally:
                reading.cancel()
        return self._waits

    async def _flood(self, producer: AIOKafkaProducer, topic: str, number: int) -> None:
        # On its own topic each names another tenant; on the shared one, nobody.
        value = b'{"command_id": "flood", "tenant": "%s", "to": "+14155550123", "body": "%s", "boddy": 1}' % (
            workload.TENANT.encode(), b"x" * 200,
        )  # fmt: skip
        for _ in range(0, number, _TOGETHER):
            await asyncio.gather(*[await producer.send(topic, value) for _ in range(_TOGETHER)])
        for partition in sorted(await producer.partitions_for(topic)):
            await producer.send_and_wait(topic, value.replace(b"flood", _LAST.encode(), 1), partition=partition)

    async def _probe(self, producer: AIOKafkaProducer, number: int) -> None:
        name = f"probe-{time.monotonic_ns()}"
        command = SendMessage(
            command_id=name, tenant=workload.TENANT, to=workload.person(number), from_=workload.SENDER, body="Hi"
        )
        self._sent[name] = time.perf_counter()
        await producer.send(MESSAGES.name, codec.encode(command))

    def _answered(self) -> None:
        if self._all_sent and not self._sent:
            self._all_answered.set()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        last = 0
        async for record in consumer:
            result = msgspec.json.decode(record.value, type=_Result)
            if result.step == "accepted" and (sent := self._sent.pop(result.command_id, None)) is not None:
                self._waits.append(time.perf_counter() - sent)
                self._answered()
            last += result.command_id == _LAST
            if last >= PARTITIONS:
                self._flood_is_over.set()
