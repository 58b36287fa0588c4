"""Poison on a real broker, read by the real processor and sender: what comes behind it goes through, and both live.

Memory is held by a bound on each process's peak.
"""

import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import pytest_asyncio
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from services.contract import codec
from services.contract import codec as contract
from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import INBOUND, MESSAGES, OUTCOMES, SENT, STATUS
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.topic import Topic
from services.contract.topics import BY_CONTACT
from services.domain.messages.events import StatusReceived
from services.domain.results import CommandResult
from tests.environment import SharedBroker
from tests.folding.rig import rig_with
from tests.fuzz import corpus, forge, malformed
from tests.fuzz.forge import Forged
from tests.kafka_records import create_topic, read_until
from tests.processes import SHOWN, Service, running, settings_file, settings_of
from tests.waiting import eventually

PARTITIONS = 4
MIB = 1 << 20
# A worker at rest has some 100 MiB; its tables' caches may take 128 more.
MOST_MEMORY_MIB = 400
PUBLIC = MESSAGES, CONSENT_COMMANDS
BOMBS = "gzip", "lz4", "zstd"
# Those may be told of any time and size; the dead letters keep a broker's defaults.
WIDE = {"max.message.bytes": str(11 * MIB), "message.timestamp.after.max.ms": str(2**63 - 1)}
in_one_house = pytest.mark.asyncio(loop_scope="module")


class House(NamedTuple):
    """Processor and sender over a clean log, and a producer that writes what it is given."""

    bootstrap: str
    processor: Service
    sender: Service
    simulator: Service
    producer: AIOKafkaProducer

    async def forged(self, topic: Topic, partition: int, *records: Forged, codec: str = "none", **more: Any) -> None:
        # What only we write says by which aliases its key was made; without that a worker stops.
        known = (
            [(name.encode(), value) for name, value in contract.headers(topic.name)] if topic.name in BY_CONTACT else []
        )
        records = tuple(one._replace(headers=[*one.headers, *known]) for one in records)
        await forge.send(self.producer, topic.name, partition, forge.batch(records, codec, **more))

    async def well(self) -> None:
        """Both live, and have not taken more memory than they may."""
        for service in (self.processor, self.sender):
            assert await service.ready()
            peak = _peak_mib(service)
            assert peak < MOST_MEMORY_MIB, f"{service.log}: {peak} MiB"

    async def good_commands_pass(self, name: str, partitions: Iterable[int] = range(PARTITIONS)) -> None:
        """A command and a consent behind all else, in each partition."""
        wanted = {}
        for at in partitions:
            number = f"+141555{abs(hash((name, at))) % 10_000:04}9"
            send = {**corpus.SEND, "command_id": f"{name}-send-{at}", "to": number}
            consent = {**corpus.CONSENT, "command_id": f"{name}-consent-{at}", "address": "+14155559999"}
            wanted |= {send["command_id"]: "sent", consent["command_id"]: "recorded"}
            await self.producer.send_and_wait(MESSAGES.name, corpus.raw(send), partition=at)
            await self.producer.send_and_wait(CONSENT_COMMANDS.name, corpus.raw(consent), partition=at)

        def ended(records: list[Any]) -> bool:
            results = [_result(record) for record in records]
            ends = {one.command_id: one.step for one in results if one and one.terminal and one.command_id in wanted}
            return ends == wanted

        await read_until(self.bootstrap, RESULTS.name, ended, 90, isolation_level="read_committed")

    async def ends(self, topic: Topic) -> dict[int, int]:
        """By partition, the offset of what comes next."""
        wanted = [TopicPartition(topic.name, number) for number in range(PARTITIONS)]
        async with AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False) as consumer:
            return {one.partition: end for one, end in (await consumer.end_offsets(wanted)).items()}

    async def dead(self, topic: Topic, since: dict[int, int], count: int) -> list[Any]:
        """The dead letters of what a topic holds since then, when there are so many; never more."""

        def of_these(letters: list[Any]) -> list[Any]:
            return [
                one for one in letters if int(_said(one, "source-offset")) >= since[int(_said(one, "source-partition"))]
            ]

        found = await read_until(
            self.bootstrap, topic.dead, lambda all_: len(of_these(all_)) >= count, 240, isolation_level="read_committed"
        )
        assert len(of_these(found)) == count
        return of_these(found)


def _said(letter: Any, header: str) -> str:
    return str(dict(letter.headers)[header].decode())


def _result(record: Any) -> CommandResult | None:
    """Some of the poison stands on the results' own topic."""
    try:
        return codec.decode(record.value, CommandResult)
    except codec.DecodeError:
        return None


def _peak_mib(service: Service) -> int:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    (line,) = [one for one in status.splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) // 1024


@pytest.fixture(scope="module")
def settings(shared: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean log, whose topics take what is large."""
    folder = tmp_path_factory.mktemp("poison")
    file = settings_file(
        folder, shared.bootstrap, kafka={"partitions": PARTITIONS}, simulator={"faults": {"callback_lost": 1.0}}
    )
    content = yaml.safe_load(file.read_text())
    content["twilio"] = {"api": f"http://127.0.0.1:{content['simulator']['port']}"}
    file.write_text(yaml.safe_dump(content))
    shared.laid_out(settings_of(file))
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(shared: SharedBroker, settings: Path) -> AsyncIterator[House]:
    await _widen(shared.bootstrap)
    loaded = settings_of(settings)
    with ExitStack() as stack:
        processor, sender, simulator = (
            stack.enter_context(running(name, settings, settings.parent, section.port))
            for name, section in (
                ("processor", loaded.processor),
                ("sender", loaded.sender),
                ("simulator", loaded.simulator),
            )
        )
        async with AIOKafkaProducer(bootstrap_servers=shared.bootstrap, max_request_size=12 * MIB) as producer:
            house = House(shared.bootstrap, processor, sender, simulator, producer)
            await eventually(house.processor.ready, 60, "the processor is ready")
            await eventually(house.sender.ready, 60, "the sender is ready")
            yield house


async def _widen(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=WIDE) for topic in PUBLIC]
        )
    finally:
        await admin.close()


@pytest.mark.slow
@in_one_house
@pytest.mark.timeout(300)
async def test_what_comes_behind_poison_goes_through(house: House) -> None:
    """Every value of the corpus, with keys and headers of any bytes, by each compression, to every source."""
    values = list(corpus.VALUES.values())
    odd = [
        Forged(value, key) for value, key in zip(values, itertools.cycle([None, b"", b"\xff\xfe", b"k"]), strict=False)
    ]
    headers = [(b"\xff\xfe", b"1"), (b"", None), (b"a", b""), (b"a", None)]
    odd += [Forged(b"?", headers=headers, attributes=0xFF), Forged(b"?", headers=[(b"n", b"v")] * 5_000)]
    for topic in (*PUBLIC, STATUS, INBOUND, RESULTS, SENT, OUTCOMES, ACCEPTED):
        for partition, packed in zip(range(PARTITIONS), ("none", "gzip", "lz4", "zstd"), strict=True):
            await house.forged(topic, partition, *odd[: len(odd) // 2], codec=packed)
            await house.forged(topic, partition, *odd[len(odd) // 2 :], codec="snappy")
    await house.good_commands_pass("after-the-corpus")
    sids = [f"SM{number:032x}" for number in range(2 * PARTITIONS)]
    for sid in sids:
        await house.producer.send_and_wait(STATUS.name, codec.encode(_delivered(sid)), key=sid.encode())

    async def told() -> bool:
        async with aiohttp.ClientSession(headers=SHOWN) as session:
            for sid in sids:
                async with session.get(f"{house.processor.url}/v1/messages/{sid}") as answer:
                    assert (await answer.json()).get("status") == "delivered", sid
        return True

    await eventually(told, 60, "the processor answers for what came behind")
    await house.well()


@pytest.mark.slow
@in_one_house
@pytest.mark.timeout(600)
async def test_records_of_any_time_and_size_go_through(house: House) -> None:
    """Ten megabytes of value, key or headers; timestamps beyond every calendar; bombs; what was taken back."""
    before, huge = await house.ends(MESSAGES), 10 * MIB
    large = Forged(b"v" * huge, b"k"), Forged(b"v", b"k" * huge), Forged(b"v", headers=[(b"n", b"h" * huge)])
    for topic, many in ((MESSAGES, PARTITIONS), (CONSENT_COMMANDS, 1)):
        for partition in range(many):
            for one in large:
                await house.forged(topic, partition, one)
            for time in (-1, 0, 253_402_300_800_000, 2**63 - 1):
                await house.forged(topic, partition, Forged(b"?"), time=time)
        # They are unpacked one after another, wherever they lie.
        for packed in BOMBS:
            await house.forged(topic, 0, *[Forged(bytes(MIB))] * 200, codec=packed)
    async with AIOKafkaProducer(bootstrap_servers=house.bootstrap, transactional_id="taken-back") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(MESSAGES.name, b"never", partition=0)
        await producer.abort_transaction()
    await house.good_commands_pass("after-the-huge")
    letters = await house.dead(MESSAGES, before, PARTITIONS * (3 + 4) + len(BOMBS))
    for letter in letters:
        named = dict(letter.headers)
        assert named["source-topic"] == MESSAGES.name.encode()
        assert letter.value != b"never"
    cut = [{name for name, _ in one.headers if name.startswith("truncated-")} for one in letters]
    for name in ("truncated-from-bytes", "truncated-key-from-bytes", "truncated-headers-from-count"):
        assert sum(name in one for one in cut) >= PARTITIONS
    bombs = [dict(one.headers)["detail"] for one in letters if b"record batch" in dict(one.headers)["detail"]]
    assert len(bombs) == len(BOMBS)
    await house.well()


async def test_a_worker_reads_on_past_header_names_of_any_bytes(kafka: str, tmp_path: Path) -> None:
    async with rig_with(kafka, tmp_path) as rig, AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        odd = Forged(b"undecodable", b"k", [(b"\xff\xfe", b"1"), (b"n", None)], attributes=0xFF)
        for partition, codec in zip(range(rig.partitions), ("none", "snappy", "lz4", "zstd"), strict=True):
            await forge.send(producer, rig.source, partition, forge.batch([odd], codec))
        await rig.tell(rig.facts(40))
        worker = rig.start()
        await worker.ready(rig.partitions)
        await rig.folded(ignoring={(partition, 0) for partition in range(rig.partitions)})
        letters = await rig.read(rig.dead)
        assert [(one.key, one.value) for one in letters] == [(b"k", b"undecodable")] * rig.partitions
        assert all(dict(one.headers)["source-header-\\xff\\xfe"] == b"1" for one in letters)
        await worker.stop()


async def test_a_broker_takes_no_wrong_checksum_and_no_rubbish_as_records(kafka: str) -> None:
    """So that neither can be anybody's input: a worker stops at the first, and keeps the second as bytes."""
    topic = await create_topic(kafka)
    good = forge.batch([Forged(b"good")])
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for odd in (good[:-1] + b"!", forge.around(b"rubbish", 1, "none"), forge.around(b"rubbish", 1, "zstd")):
            with pytest.raises(KafkaError):
                await forge.send(producer, topic, 0, odd)
        assert await forge.send(producer, topic, 0, good) == 0


@pytest.mark.slow
@in_one_house
@pytest.mark.timeout(400)
async def test_a_partition_of_poison_holds_up_no_other(house: House) -> None:
    before, count = await house.ends(MESSAGES), 5_000
    rubbish = [Forged(b"\xff" * 20, b"k", [(b"\xff", b"")])] * 1_000
    for _ in range(count // 1_000):
        await house.forged(MESSAGES, 0, *rubbish)
    await house.good_commands_pass("beside-the-poison", (1, 2, 3))
    await house.good_commands_pass("behind-the-poison", (0,))
    letters = await house.dead(MESSAGES, before, count)
    first = before[0]
    assert sorted(int(_said(one, "source-offset")) for one in letters) == list(range(first, first + count))
    await house.well()


@pytest.mark.slow
@in_one_house
async def test_malformed_http_is_refused_by_processor_and_sender(house: House) -> None:
    for service in (house.processor, house.sender):
        port = int(service.url.rpartition(":")[2])
        for name, sent in malformed.corpus().items():
            answer = await malformed.answered(port, sent)
            assert all(status < 500 for status in malformed.statuses(answer)), (name, answer[:500])
            assert await service.ready(), name
    await house.well()


def _delivered(sid: str) -> StatusReceived:
    return StatusReceived(
        event_id=f"delivered {sid}",
        tenant="acme",
        received_at="2026-02-21T18:22:11.123Z",
        contact="acme|1",
        command_id=None,
        account_sid="AC",
        message_sid=sid,
        message_status="delivered",
        from_="+14155550100",
        to="+14155550123",
        raw={},
    )
