"""Ingress on a real Kafka: what lands, and what happens to facts while the broker is away."""

import asyncio
import contextlib
import json
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.partitioner import DefaultPartitioner
from pydantic import SecretStr

from services.contract import codec
from services.contract.messages import INBOUND, STATUS
from services.contract.tenants import TENANTS
from services.domain.contact import contact_key
from services.domain.messages.callback import callback_query
from services.domain.messages.events import InboundReceived, StatusReceived
from services.embedded.broker import EmbeddedKafka
from services.ingress.products import FITS
from services.ingress.stamp import Stamp
from services.runtime.config import Settings
from services.runtime.tenants.files import Found, Said
from services.runtime.tenants.known import KnownTenants
from services.runtime.tenants.live import Tenants
from tests.forked import Forked
from tests.ingress.rig import PUBLIC, SECRET, Caller, calling, running, settings
from tests.ingress.signing import ACCOUNT, TOKEN
from tests.kafka_records import create_topics, read
from tests.waiting import eventually

MESSAGES = "/twilio/acme/messages"
PARTITIONS = 4
PEOPLE = 3


@pytest.fixture(scope="module")
def one() -> Iterator[EmbeddedKafka]:
    """A broker of this module's own: a start costs seconds of CPU."""
    with EmbeddedKafka.start() as own:
        yield own


@pytest.fixture
async def broker(one: EmbeddedKafka) -> EmbeddedKafka:
    """It runs and is empty, whatever the test before did to it."""
    one.thaw()
    if one.pid is None:
        await asyncio.to_thread(one.restart)
    admin = AIOKafkaAdminClient(bootstrap_servers=one.bootstrap)
    await admin.start()
    try:

        async def empty() -> bool:
            if names := [name for name in await admin.list_topics() if not name.startswith("__")]:
                await admin.delete_topics(names)
            return not names

        await eventually(empty, 30, "the topics of the test before are gone")
    finally:
        await admin.close()
    return one


async def with_topics(broker: EmbeddedKafka, config: dict[str, str] | None = None) -> str:
    await create_topics(broker.bootstrap, [*FITS, TENANTS.name], PARTITIONS, config)
    return broker.bootstrap


async def say(caller: Caller, numbers: Iterable[int], text: str = "") -> None:
    """People write to us: message n from person n % PEOPLE, one after the other for each. All are acknowledged."""

    async def person(own: list[int]) -> None:
        for n in own:
            pairs = [("MessageSid", f"SM{n}"), ("From", f"+1415555000{n % PEOPLE}"), ("Body", f"{n}{text}")]
            assert await caller.post(MESSAGES, pairs) == 200

    by_person: dict[int, list[int]] = defaultdict(list)
    for n in numbers:
        by_person[n % PEOPLE].append(n)
    await asyncio.gather(*(person(own) for own in by_person.values()))


async def heard(bootstrap: str, count: int) -> dict[int, list[int]]:
    """What is on the log: each person's message numbers, in the log's order. There must be no more than `count`."""
    records = await read(bootstrap, INBOUND.name, count)
    found: dict[int, list[int]] = defaultdict(list)
    for record in records:
        n = int(codec.decode(record.value, InboundReceived).body)
        found[n % PEOPLE].append(n)
    return dict(found)


def in_order(count: int) -> dict[int, list[int]]:
    return {person: [n for n in range(count) if n % PEOPLE == person] for person in range(PEOPLE)}


async def drained(caller: Caller) -> None:
    async def empty() -> bool:
        ready = await caller.ready()
        return bool(ready["spool_bytes"] == 0 and ready["kafka"] == "connected")

    await eventually(empty, 60, "the spool is drained")


async def test_a_webhook_becomes_a_record(broker: EmbeddedKafka, tmp_path: Path) -> None:
    bootstrap = await with_topics(broker)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    query = callback_query(SECRET.encode(), "order-7", "acme|0f")
    async with running(settings(tmp_path, bootstrap)) as caller:
        await caller.connected()
        inbound = [("AccountSid", ACCOUNT), ("From", "whatsapp:+14155550123"), ("Body", "1 + 1 👋"), ("Body", "2")]
        assert await caller.post(MESSAGES, inbound, traceparent=trace, I_Twilio_Idempotency_Token="t-1") == 200
        status = [("MessageSid", "SM7"), ("MessageStatus", "Delivered")]
        assert await caller.post(f"/twilio/acme/status?{query}", status, traceparent="nonsense") == 204
    (message,) = await read(bootstrap, INBOUND.name, 1)
    contact = contact_key("acme", "+14155550123", SECRET.encode())
    value = json.loads(message.value)
    assert value == {
        "event_type": "twilio_inbound",
        "event_id": value["event_id"],
        "tenant": "acme",
        "received_at": value["received_at"],
        "contact": contact,
        "account_sid": ACCOUNT,
        "message_sid": "",
        "from": "whatsapp:+14155550123",
        "to": "",
        "body": "1 + 1 👋",
        "num_media": 0,
        "linked": [],
        "heard": None,
        "sent_at": None,
        "provenance": "webhook",
        "idempotency_token": "t-1",
        "raw": {"AccountSid": ACCOUNT, "From": "whatsapp:+14155550123", "Body": ["1 + 1 👋", "2"]},
    }
    assert message.key == contact.encode()
    assert message.partition == partition_of(message)
    assert dict(message.headers) == {
        "content-type": b"application/json",
        "schema": b"twilio.inbound.v1",
        "format": b"1",
        "alias-version": b"2",
        "traceparent": trace.encode(),
    }
    (step,) = await read(bootstrap, STATUS.name, 1)
    event = codec.decode(step.value, StatusReceived)
    assert (event.command_id, event.contact, event.message_status) == ("order-7", "acme|0f", "delivered")
    assert step.key == b"SM7"
    assert "traceparent" not in dict(step.headers)


def partition_of(record: ConsumerRecord) -> int:
    partitions = [*range(PARTITIONS)]
    return int(DefaultPartitioner()(record.key, partitions, partitions))


async def test_what_a_wrong_secret_keyed_holds_up_its_own_tenant_alone(broker: EmbeddedKafka, tmp_path: Path) -> None:
    bootstrap = await with_topics(broker)
    away, there = settings(tmp_path), settings(tmp_path, bootstrap)
    acme = there.tenants["acme"]
    other = acme.model_copy(update={"contact_secret": SecretStr("another")})
    assert not await KnownTenants(there.kafka).refusals({"acme": acme, "zeta": acme})

    # Without Kafka nobody can say which is right, and neither process sees what the other was told.
    for place, one in enumerate((acme, other)):
        stamp, tenants = stamped(away), Tenants({"acme": one, "zeta": acme})
        assert await stamp.compare(tenants) == {}
        async with running(away, tenants, stamp) as caller:
            for name in tenants:
                pairs = [("From", "+14155550123"), ("Body", f"{place} to {name}")]
                assert await caller.post(f"/twilio/{name}/messages", pairs) == 200

    stamp, tenants = stamped(there), Tenants({"zeta": acme})
    assert set(await stamp.compare({"acme": other, "zeta": acme})) == {"acme"}
    async with running(there, tenants, stamp) as caller:
        await drained(caller)
        assert await said(bootstrap, 2) == ["0 to zeta", "1 to zeta"]
        ready = await caller.ready()
        assert ready["http"] == 200
        assert ready["status"] == "degraded"
        assert "acme: " in str(ready["reasons"])
        assert "switchboard_ingress_held_bytes 0.0" not in await caller.metrics()
        # Its file is put right: what was keyed so goes on, and the rest is still told of.
        assert await stamp.compare({"acme": acme}) == {}
        tenants.take(Found({"acme": Said(acme), "zeta": Said(acme)}))
        assert await said(bootstrap, 3) == ["0 to acme", "0 to zeta", "1 to zeta"]
        assert await caller.post(MESSAGES, [("From", "+14155550123"), ("Body", "2 to acme")]) == 200
        assert await said(bootstrap, 4) == ["0 to acme", "0 to zeta", "1 to zeta", "2 to acme"]
        assert "acme: " in str((await caller.ready())["reasons"])
        (tmp_path / "spool" / held_in(tmp_path)).unlink()
        assert (await caller.ready())["status"] == "ready"


def stamped(chosen: Settings) -> Stamp:
    return Stamp(KnownTenants(chosen.kafka), chosen.ingress.spool.directory)


def held_in(folder: Path) -> str:
    [path] = (folder / "spool").glob("*.acme.held")
    return path.name


async def said(bootstrap: str, count: int) -> list[str]:
    """What people wrote, by what is on the log."""
    return sorted(codec.decode(one.value, InboundReceived).body for one in await read(bootstrap, INBOUND.name, count))


async def test_a_frozen_broker_that_wakes_up_gets_nothing_twice(broker: EmbeddedKafka, tmp_path: Path) -> None:
    bootstrap = await with_topics(broker)
    async with running(settings(tmp_path, bootstrap)) as caller:
        await caller.connected()
        await say(caller, range(10))
        broker.freeze()
        # The first ones are in flight when the deadline passes: they land when it wakes, and are in the spool too.
        await say(caller, range(10, 40))
        broker.thaw()
        await drained(caller)
        await say(caller, range(40, 50))
    assert await heard(bootstrap, 50) == in_order(50)


async def test_a_killed_broker_loses_and_doubles_nothing_and_all_keeps_its_order_to_the_spool_and_back(
    broker: EmbeddedKafka, tmp_path: Path
) -> None:
    """While people write all the time."""
    bootstrap = await with_topics(broker)
    silence, counts = asyncio.Event(), [0] * PEOPLE

    async def talk(caller: Caller, person: int) -> None:
        while not silence.is_set():
            await say(caller, [person + PEOPLE * counts[person]])
            counts[person] += 1
            await asyncio.sleep(0.01)

    async with running(settings(tmp_path, bootstrap)) as caller:
        await caller.connected()
        talking = asyncio.gather(*(talk(caller, person) for person in range(PEOPLE)))
        await eventually(lambda: min(counts) >= 3, what="some are on the log")
        await asyncio.to_thread(broker.kill)
        await eventually(lambda: bool(list((tmp_path / "spool").glob("*.facts"))), what="facts are spooled")
        spooled = sum(counts)
        await eventually(lambda: sum(counts) > spooled + 50, what="more are spooled")
        ready = await caller.ready()
        assert (ready["http"], ready["spool_bytes"] > 0) == (200, True)
        assert ready["spool_oldest_seconds"] > 0
        await asyncio.to_thread(broker.restart)
        await drained(caller)
        back = sum(counts)
        await eventually(lambda: sum(counts) > back + 10, what="some go past the spool again")
        silence.set()
        await talking
        await drained(caller)
    said = {person: [person + PEOPLE * number for number in range(count)] for person, count in enumerate(counts)}
    assert await heard(bootstrap, sum(counts)) == said


async def test_a_fact_too_large_for_the_broker_is_set_aside_and_holds_nothing_up(
    broker: EmbeddedKafka, tmp_path: Path
) -> None:
    bootstrap = await with_topics(broker, {"max.message.bytes": "3000"})
    async with running(settings(tmp_path, bootstrap)) as caller:
        await caller.connected()
        await say(caller, range(5))
        assert await caller.post(MESSAGES, [("MessageSid", "SMbig"), ("Body", "x" * 3000)]) == 200
        await say(caller, range(5, 10))
        await drained(caller)
    assert await heard(bootstrap, 10) == in_order(10)
    assert b"SMbig" not in (tmp_path / "spool" / "refused.facts").read_bytes()  # base64
    assert len((tmp_path / "spool" / "refused.facts").read_bytes().splitlines()) == 1


async def test_topics_that_are_missing_are_said_and_not_made(broker: EmbeddedKafka, tmp_path: Path) -> None:
    async with running(settings(tmp_path, broker.bootstrap)) as caller:

        async def said() -> bool:
            return "switchboard topics apply" in (await caller.ready())["kafka"]

        await eventually(said, what="the missing topics are named")
        await say(caller, range(3))
        await with_topics(broker)
        await drained(caller)
    assert await heard(broker.bootstrap, 3) == in_order(3)


@contextlib.asynccontextmanager
async def process(chosen: Settings, directory: Path, **environment: str) -> AsyncIterator[Forked]:
    """Ingress as a process of its own."""
    file = directory / "switchboard.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "public_url": PUBLIC,
                "kafka": {"bootstrap": chosen.kafka.bootstrap, "replication": 1, "min_insync_replicas": 1},
                "tenants": {
                    "acme": {
                        "account_sid": ACCOUNT,
                        "auth_tokens": [{"env": "TOKEN"}],
                        "contact_secret": {"env": "SECRET"},
                    }
                },
                "ingress": chosen.ingress.model_dump(mode="json"),
            }
        )
    )
    secrets = {"SWITCHBOARD_CONFIG": str(file), "TOKEN": TOKEN, "SECRET": SECRET}
    log = directory / "ingress.log"
    started = Forked("tests.failpoint", "ingress", environment=os.environ | secrets | environment, out=log, err=log)
    try:
        yield started
    finally:
        started.kill()
        await ended(started)


def with_kafka(away: Settings, bootstrap: str) -> Settings:
    return away.model_copy(update={"kafka": away.kafka.model_copy(update={"bootstrap": bootstrap})})


async def ended(process: Forked) -> int:
    """Its exit code."""
    return await asyncio.to_thread(process.wait, 30)


async def test_a_killed_ingress_leaves_its_spool_to_the_next(broker: EmbeddedKafka, tmp_path: Path) -> None:
    bootstrap = await with_topics(broker)
    # The first one finds no Kafka.
    away = settings(tmp_path)
    async with process(away, tmp_path) as first, calling(away) as caller:
        await say(caller, range(30))
        first.send_signal(signal.SIGKILL)
        await ended(first)
    chosen = with_kafka(away, bootstrap)
    async with process(chosen, tmp_path) as second, calling(chosen) as caller:
        await say(caller, range(30, 40))
        await drained(caller)
        second.send_signal(signal.SIGTERM)
        assert await ended(second) == 0
    assert await heard(bootstrap, 40) == in_order(40)


async def test_killed_between_durable_and_acknowledged(broker: EmbeddedKafka, tmp_path: Path) -> None:
    bootstrap = await with_topics(broker)
    chosen = settings(tmp_path, bootstrap)
    async with process(chosen, tmp_path, TEST_FAILPOINT="ingress.durable:2") as doomed:
        async with calling(chosen) as caller:
            await caller.connected()
            await say(caller, [0])
            with pytest.raises(aiohttp.ClientError):
                await say(caller, [1])
        assert await ended(doomed) == -signal.SIGKILL
    async with process(chosen, tmp_path), calling(chosen) as caller:
        # Twilio was not answered, so it calls again.
        await say(caller, [1])
        await drained(caller)
    assert await ids_heard(bootstrap, 3) == {0: 1, 1: 1}


async def test_killed_between_drained_and_removed(broker: EmbeddedKafka, tmp_path: Path) -> None:
    bootstrap = await with_topics(broker)
    away = settings(tmp_path)
    async with process(away, tmp_path), calling(away) as caller:
        await say(caller, range(3))
    chosen = with_kafka(away, bootstrap)
    async with process(chosen, tmp_path, TEST_FAILPOINT="ingress.drained") as doomed:
        assert await ended(doomed) == -signal.SIGKILL
    async with process(chosen, tmp_path), calling(chosen) as caller:
        await drained(caller)
    assert await ids_heard(bootstrap, 6) == {0: 1, 1: 1, 2: 1}


async def ids_heard(bootstrap: str, count: int) -> dict[int, int]:
    """Message number → how many event ids it has on the log, of `count` records in all."""
    ids: dict[int, set[str]] = defaultdict(set)
    records = await read(bootstrap, INBOUND.name, count)
    assert len(records) == count
    for record in records:
        event = codec.decode(record.value, InboundReceived)
        ids[int(event.body)].add(event.event_id)
    return {n: len(found) for n, found in ids.items()}


async def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    async with running(chosen):
        elsewhere = settings(tmp_path / "other")
        taken = elsewhere.model_copy(
            update={"ingress": elsewhere.ingress.model_copy(update={"port": chosen.ingress.port})}
        )
        async with process(taken, tmp_path) as refused:
            assert await ended(refused) == 2
    said = (tmp_path / "ingress.log").read_text()
    assert "ingress.port" in said
    assert "Traceback" not in said
