"""The embedded broker is a real one: it keeps data over a kill, guards its ports and its TLS listener."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

from services.embedded import java, ports
from services.embedded.broker import EmbeddedKafka
from services.embedded.errors import BrokerFailedError, EmbeddedKafkaError, PortTakenError
from services.embedded.layout import Layout
from tests.kafka_records import create_topic, produce, read
from tests.waiting import eventually


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def secured(data: Path) -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka.start(data_dir=data, tls=True) as broker:
        yield broker


def sasl_ssl(broker: EmbeddedKafka, password: str) -> dict[str, Any]:
    return {
        "security_protocol": "SASL_SSL",
        "ssl_context": create_ssl_context(cafile=str(broker.ca_file)),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": broker.user,
        "sasl_plain_password": password,
    }


async def test_records_come_back_as_they_were_written(kafka: str) -> None:
    topic = await create_topic(kafka, "echo")
    await produce(kafka, topic, [(b"k1", b"one"), (b"k2", b"two"), (None, b"three")])

    records = await read(kafka, topic, 3)

    assert [(r.key, r.value) for r in records] == [(b"k1", b"one"), (b"k2", b"two"), (None, b"three")]


async def test_what_was_acked_survives_kill_and_restart(secured: EmbeddedKafka) -> None:
    topic = await create_topic(secured.bootstrap, "kept")
    await produce(secured.bootstrap, topic, [(b"k", b"before")])
    address = secured.bootstrap

    await asyncio.to_thread(secured.kill)
    await asyncio.to_thread(secured.restart)

    assert secured.bootstrap == address
    await produce(address, topic, [(b"k", b"after")])
    assert [record.value for record in await read(address, topic, 2)] == [b"before", b"after"]


async def test_a_frozen_broker_acks_nothing_until_it_is_thawed(secured: EmbeddedKafka) -> None:
    topic = await create_topic(secured.bootstrap, "frozen")
    async with AIOKafkaProducer(bootstrap_servers=secured.bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, b"warm")
        secured.freeze()
        try:
            ack = await producer.send(topic, b"held up")
            done, _ = await asyncio.wait([ack], timeout=1.0)
            assert not done
        finally:
            secured.thaw()
        await asyncio.wait_for(ack, timeout=20)


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} .* is taken"):
            EmbeddedKafka.start(port=port)


def test_a_broker_that_fails_shows_its_last_lines() -> None:
    with pytest.raises(BrokerFailedError, match=r"(?s)exit code.*num\.network\.threads"):
        EmbeddedKafka.start(properties={"num.network.threads": "none"})


# Day by day it is asked that this Java is found (test_kafka_java.py); a start without an archive of classes is long.
@pytest.mark.slow
async def test_it_runs_on_the_java_from_pypi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    java.find.cache_clear()
    with EmbeddedKafka.start(tls=True) as own:
        topic = await create_topic(own.bootstrap, "kept")
        await produce(own.bootstrap, topic, [(None, b"here")])
        assert [record.value for record in await read(own.bootstrap, topic, 1)] == [b"here"]
    java.find.cache_clear()


def test_a_folder_that_was_made_without_tls_has_none_later(tmp_path: Path) -> None:
    data = Layout(tmp_path, 1, 2).data
    data.mkdir()
    (data / "meta.properties").touch()
    with pytest.raises(EmbeddedKafkaError, match="was made without TLS"):
        EmbeddedKafka.start(data_dir=tmp_path, tls=True)


async def test_the_tls_listener_carries_records(secured: EmbeddedKafka) -> None:
    client = sasl_ssl(secured, secured.password)
    topic = await create_topic(secured.sasl_ssl_bootstrap, "secured", **client)
    await produce(secured.sasl_ssl_bootstrap, topic, [(b"k", b"sealed")], **client)

    (record,) = await read(secured.sasl_ssl_bootstrap, topic, 1, **client)

    assert record.value == b"sealed"


async def test_a_wrong_password_is_refused(secured: EmbeddedKafka) -> None:
    with pytest.raises(KafkaError):
        await create_topic(secured.sasl_ssl_bootstrap, "refused", **sasl_ssl(secured, "wrong"))


async def test_an_unknown_authority_is_refused(secured: EmbeddedKafka) -> None:
    strangers = {**sasl_ssl(secured, secured.password), "ssl_context": create_ssl_context()}
    with pytest.raises(KafkaError):
        await create_topic(secured.sasl_ssl_bootstrap, "refused", **strangers)


async def test_a_named_data_folder_is_taken_up_again(secured: EmbeddedKafka, data: Path) -> None:
    """The last that asks the first broker: it has ended."""
    client = sasl_ssl(secured, secured.password)
    topic = await create_topic(secured.bootstrap, "kept")
    await produce(secured.bootstrap, topic, [(None, b"still here")])
    assert await asyncio.to_thread(secured.stop)
    with EmbeddedKafka.start(data_dir=data, tls=True) as second:
        for bootstrap, options in ((second.bootstrap, {}), (second.sasl_ssl_bootstrap, client)):
            assert [record.value for record in await read(bootstrap, topic, 1, **options)] == [b"still here"]


async def test_the_broker_and_its_data_go_when_we_are_killed(tmp_path: Path) -> None:
    """kill -9 of the process that started it leaves no broker behind, and no temporary folder."""
    owner, port = await asyncio.to_thread(start_in_another_process, tmp_path)
    assert ports.broker_answers(port)
    assert len(folders(tmp_path)) == 1

    owner.send_signal(signal.SIGKILL)
    owner.communicate()

    await eventually(lambda: ports.is_free(port), what="the broker has gone")
    await eventually(lambda: not folders(tmp_path), what="its folder has gone")


def start_in_another_process(temporary: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A Python process that started a broker and waits, and the broker's port."""
    program = (
        "import sys; from services.embedded.broker import EmbeddedKafka; "
        "broker = EmbeddedKafka.start(); print(broker.bootstrap, flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    owner = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline().decode().rpartition(":")[2])


def folders(temporary: Path) -> list[Path]:
    return list(temporary.glob("switchboard-kafka-*"))
