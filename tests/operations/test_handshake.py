"""What a broker that lets nobody in is told to be: by which step it failed, and what is to be done."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from services.embedded.broker import EmbeddedKafka
from services.operations.doctor.broker import broker as looked
from services.operations.handshake import outdated, refusal
from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka.start(tls=True) as own:
        yield own


def settings(broker: EmbeddedKafka, **other: Any) -> KafkaSettings:
    right = {
        "bootstrap": broker.sasl_ssl_bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": broker.user,
        "sasl_password": SecretStr(broker.password),
        "ssl_cafile": broker.ca_file,
        "replication": 1,
        "min_insync_replicas": 1,
    }
    return KafkaSettings(**{**right, **other})


@pytest.mark.parametrize(
    ("other", "says", "remedy"),
    [
        ({"sasl_mechanism": "PLAIN"}, "does not know SASL by PLAIN; it knows SCRAM-SHA-512", "enabled.mechanisms"),
        ({"sasl_password": SecretStr("wrong")}, "no user switchboard with this password", "sasl_password"),
        ({"security_protocol": "SSL"}, "lets in nobody without SASL, by SCRAM-SHA-512", "SASL_SSL"),
        ({"ssl_cafile": None}, "a certificate that is not trusted", "ssl_cafile"),
    ],
)
async def test_who_is_not_let_in_is_told_at_which_step(
    broker: EmbeddedKafka, other: dict[str, Any], says: str, remedy: str
) -> None:
    kafka = settings(broker, **other)
    found = await refusal(kafka)
    assert found is not None
    assert found.answered
    assert says in found.says
    assert remedy in found.remedy
    assert "wrong" not in str(found)
    [finding] = await looked(Settings(kafka=kafka), "sender")
    assert (finding.check, finding.level, finding.says) == ("broker", "fault", found.says)


async def test_a_listener_without_sasl_is_told_from_one_that_is_silent(broker: EmbeddedKafka) -> None:
    plain = settings(broker, bootstrap=broker.bootstrap, security_protocol="SASL_PLAINTEXT")
    assert "wants no SASL" in (await refusal(plain) or [""])[0]
    silent = await refusal(settings(broker, bootstrap=broker.bootstrap))
    assert silent is not None
    assert "without TLS" in silent.remedy
    assert not silent.answered


async def test_one_of_several_is_enough(broker: EmbeddedKafka) -> None:
    assert await refusal(settings(broker, bootstrap=f"127.0.0.1:1,{broker.sasl_ssl_bootstrap}")) is None
    away = await refusal(settings(broker, bootstrap="127.0.0.1:1,127.0.0.1:2"))
    assert away is not None
    assert away.says == "no Kafka answers at 127.0.0.1:1"


async def test_of_several_it_is_the_first_that_is_named_and_before_it_who_answers(broker: EmbeddedKafka) -> None:
    # Of any order that is drawn, ten in a row would not be this one.
    for _ in range(10):
        away = await refusal(settings(broker, bootstrap="127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"))
        assert away is not None
        assert away.says == "no Kafka answers at 127.0.0.1:1"
    wrong = SecretStr("wrong")
    refused = await refusal(settings(broker, bootstrap=f"127.0.0.1:1,{broker.sasl_ssl_bootstrap}", sasl_password=wrong))
    assert refused is not None
    assert refused.answered
    assert refused.says.startswith(f"{broker.sasl_ssl_bootstrap} knows no user")


@pytest.fixture
async def hanging_up(broker: EmbeddedKafka) -> AsyncIterator[str]:
    """A way to the broker that carries one request and its answer, the versions, and hangs up at the next."""

    async def carry(one: asyncio.StreamReader, other: asyncio.StreamWriter) -> None:
        size = await one.readexactly(4)
        other.write(size + await one.readexactly(int.from_bytes(size)))
        await other.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = broker.bootstrap.rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        try:
            await carry(reader, back)
            await carry(there, writer)
            await reader.readexactly(4)
        except asyncio.IncompleteReadError:
            # We were hung up on.
            pass
        finally:
            back.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_who_hangs_up_at_sasl_is_told_as_silence(broker: EmbeddedKafka, hanging_up: str) -> None:
    kafka = settings(broker, bootstrap=hanging_up, security_protocol="SASL_PLAINTEXT")
    found = await refusal(kafka)
    assert found is not None
    assert found.says == f"{hanging_up} answers at first, and is silent or hangs up when it is asked for SASL"
    assert not found.answered
    [finding] = await looked(Settings(kafka=kafka), "sender")
    assert (finding.check, finding.level, finding.says) == ("broker", "unknown", found.says)


def test_a_broker_is_too_old_or_too_new() -> None:
    """As Kafka 2.2 and 4.1 tell it, and one that has forgotten."""
    known = {0: (0, 13), 1: (4, 18), 3: (0, 13), 11: (0, 9), 15: (0, 6), 22: (0, 5)}
    assert outdated(known) is None
    old = outdated(known | {3: (0, 7)})
    assert old is not None
    assert "of Metadata it knows version 7 at most" in old.says
    assert "2.3" in old.remedy
    assert "of InitProducerId" in (outdated({one: known[one] for one in known if one != 22}) or [""])[0]
    assert "too new" in (outdated(known | {15: (4, 6)}) or [""])[0]
