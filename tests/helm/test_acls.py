"""A broker with an authorizer gets the rights that the chart renders, and no others: each service works by its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.helpers import create_ssl_context
from pydantic import SecretStr

from services.contract.consent import CONSENT_COMMANDS, SUPPRESSION
from services.contract.followups import FOLLOWUPS
from services.contract.messages import DELIVERY, INBOUND, MESSAGES
from services.contract.outbound import RESULTS
from services.contract.prices import PRICES
from services.contract.studio import STARTS
from services.contract.topic import owner_of
from services.contract.topics import EVENTS, own_topics
from services.embedded.broker import EmbeddedKafka
from services.operations.doctor.broker import broker as look
from services.operations.doctor.finding import Finding
from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings
from tests import acls
from tests.acls import Acl
from tests.helm.made import CHART
from tests.kafka_records import produce, read_until
from tests.processes import ACCOUNT, running, settings_file, wired
from tests.switchboard import switchboard
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

DATA = json.loads((CHART / "files" / "kafka.json").read_text("utf-8"))
RIGHTS = {**DATA["users"], "processor": [acl for group in DATA["groups"].values() for acl in group]}
PASSWORD = "a-password-of-the-tests"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required "
AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    # The broker itself, and the tests as its operator, come without a name.
    "super.users": "User:ANONYMOUS",
    "listener.name.sasl_ssl.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.sasl_ssl.plain.sasl.jaas.config": PLAIN
    + " ".join(f'user_{name}="{PASSWORD}"' for name in RIGHTS)
    + ";",
}


def acl_of(user: str, given: dict[str, Any]) -> Iterator[Acl]:
    """What Strimzi's operator makes of an entry of a KafkaUser."""
    resource = given["resource"]
    for operation in given["operations"]:
        yield Acl(user, operation, resource["name"], resource["type"], resource["patternType"])


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka.start(tls=True, properties=AUTHORIZER) as own:
        wanted = [acl for user, rights in RIGHTS.items() for one in rights for acl in acl_of(user, one)]
        asyncio.run(acls.add(own.bootstrap, wanted))
        yield own


def client(broker: EmbeddedKafka, user: str) -> dict[str, Any]:
    return {
        "bootstrap_servers": broker.sasl_ssl_bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": user,
        "sasl_plain_password": PASSWORD,
        "ssl_context": create_ssl_context(cafile=str(broker.ca_file)),
    }


def permitted(user: str, operation: str) -> set[str]:
    return {
        acl["resource"]["name"]
        for acl in RIGHTS[user]
        if (acl["resource"]["type"], acl["resource"]["patternType"]) == ("topic", "literal")
        and operation in acl["operations"]
    }


async def test_each_service_works_with_its_own_rights(broker: EmbeddedKafka, tmp_path: Path) -> None:
    settings = settings_file(
        tmp_path,
        broker.sasl_ssl_bootstrap,
        kafka={
            # Where there are such topics, a sender asks at its start who else reads which.
            "tenant_topics": ["acme"],
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "PLAIN",
            "sasl_username": "topics",
            "sasl_password": {"env": "KAFKA_PASSWORD"},
            "ssl_cafile": str(broker.ca_file),
        },
    )
    loaded = yaml.safe_load(settings.read_text())
    ports = wired(loaded) | {"poller": loaded["poller"]["port"]}
    settings.write_text(yaml.safe_dump(loaded))

    await switchboard(settings, "topics", "apply", KAFKA_PASSWORD=PASSWORD)

    with ExitStack() as stack:
        services = {}
        for name, port in ports.items():
            user = {"SWITCHBOARD_KAFKA__SASL_USERNAME": name, "KAFKA_PASSWORD": PASSWORD}
            services[name] = stack.enter_context(running(name, settings, tmp_path, port, **user))
        for name in ("ingress", "processor", "sender", "poller"):
            await eventually(services[name].ready, 90, f"{name} is ready")
        for name in ("ingress", "processor", "sender", "poller"):
            # On a slow disk a broker with new topics may answer nobody for half a minute; until then acme waits.
            await eventually(services[name].undegraded, 120, f"{name} knows acme")
        await what_happens(broker, f"http://127.0.0.1:{ports['simulator']}")
        for name, service in services.items():
            assert service.process.poll() is None, name
            assert "AuthorizationFailed" not in service.log.read_text(), name


async def what_happens(broker: EmbeddedKafka, simulator: str) -> None:
    """A send, a STOP with its confirmation, a consent, and what nobody can read: each kind of record that is told."""
    command = {"command_id": "c-1", "tenant": "acme", "to": "+14155550123", "from": "+14155550100", "body": "Hi"}
    yes = {"command_id": "y-1", "tenant": "acme", "address": "+14155550124", "action": "opt_in"}
    garbage = [(b"acme|0123456789abcdef0123456789abcdef", b"{")] * 8
    await produce(broker.bootstrap, MESSAGES.name, [(None, orjson.dumps(command)), (None, b"{")])
    await produce(broker.bootstrap, CONSENT_COMMANDS.name, [(None, orjson.dumps(yes)), (None, b"{")])
    await produce(broker.bootstrap, STARTS.name, [(None, b"{")])
    await produce(broker.bootstrap, FOLLOWUPS.name, [(None, b"{")])
    said = {"account_sid": ACCOUNT, "from": "whatsapp:+14155550125", "to": "whatsapp:+14155550100", "body": "STOP"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{simulator}/simulator/inbound", json=said) as answer,
    ):
        assert (await answer.json())["status"] == 200
    for topic in EVENTS:
        if topic.dead in DATA["topics"] and not topic.public:
            await produce(broker.bootstrap, topic.name, garbage)

    async def told(topic: str, enough: int) -> None:
        await read_until(broker.bootstrap, topic, lambda records: len(records) >= enough, 60)

    await told(RESULTS.name, 5)
    await told(DELIVERY.name, 1)
    await told(SUPPRESSION.name, 1)
    await told(INBOUND.dead, 8)
    # By time the poller keeps Twilio's lists.
    await told(PRICES.name, 1)
    for topic in EVENTS:
        if topic.dead in DATA["topics"]:
            await told(topic.dead, 1)


@pytest.mark.parametrize("user", ["ingress", "processor", "sender", "poller"])
async def test_and_with_nothing_more(broker: EmbeddedKafka, user: str) -> None:
    options = client(broker, user)
    reads, writes = permitted(user, "Read"), permitted(user, "Write")
    consumer = AIOKafkaConsumer(**options)
    await consumer.start()
    try:
        # What may neither be read nor written is not even seen.
        seen = await consumer.topics()
        own = {name for name in seen if owner_of(name)}
        assert seen - own == reads | writes
        assert own == ({topic.name for topic in own_topics(["acme"])} if user == "sender" else set())
        for topic in sorted(writes - reads):
            consumer.assign([TopicPartition(topic, 0)])
            with pytest.raises(TopicAuthorizationFailedError):
                await asyncio.wait_for(consumer.getone(), 20)
    finally:
        await consumer.stop()
    async with AIOKafkaProducer(**options) as producer:
        for topic in sorted(reads - writes):
            with pytest.raises(TopicAuthorizationFailedError):
                await asyncio.wait_for(producer.send_and_wait(topic, b"x"), 20)
    for other in {"processor", "sender"} - {user}:
        thief = AIOKafkaProducer(**options, transactional_id=f"switchboard-{other}-outbox-0")
        with pytest.raises(TransactionalIdAuthorizationFailed):
            await asyncio.wait_for(thief.start(), 20)
        await thief.stop()
        member = AIOKafkaConsumer(**options, group_id=f"switchboard-{other}")
        await member.start()
        with pytest.raises(GroupAuthorizationFailedError):
            await asyncio.wait_for(member.committed(TopicPartition(INBOUND.name, 0)), 20)
        await member.stop()


async def test_topics_are_made_by_one_who_can_read_none_of_them(broker: EmbeddedKafka) -> None:
    async with AIOKafkaProducer(**client(broker, "topics")) as producer:
        with pytest.raises(KafkaError):
            await asyncio.wait_for(producer.send_and_wait(MESSAGES.name, b"x"), 20)


async def test_the_doctor_names_the_right_that_is_lacking(broker: EmbeddedKafka) -> None:
    """And takes nothing that it may not see for absent."""

    async def looked() -> list[Finding]:
        of = client(broker, "sender")
        kafka = KafkaSettings(
            bootstrap=of["bootstrap_servers"],
            security_protocol=of["security_protocol"],
            sasl_mechanism=of["sasl_mechanism"],
            sasl_username="sender",
            sasl_password=SecretStr(PASSWORD),
            ssl_cafile=broker.ca_file,
            partitions=4,
            replication=1,
            min_insync_replicas=1,
        )
        return await look(Settings(kafka=kafka), "sender")

    before = await looked()
    assert {one.level for one in before} <= {"fine", "note"}, before
    right = Acl("sender", "Read", MESSAGES.name)
    await acls.remove(broker.bootstrap, right)
    [fault] = [one for one in await looked() if one.level == "fault"]
    assert (fault.check, fault.about) == ("rights", "sender")
    assert f"may not Read {MESSAGES.name}" in fault.says
    assert "switchboard topics acls sender" in fault.remedy
    await acls.add(broker.bootstrap, [right])
    await eventually(lambda: _fine(looked), 30, "it is granted again")


async def _fine(looked: Callable[[], Awaitable[list[Finding]]]) -> bool:
    return {one.level for one in await looked()} <= {"fine", "note"}
