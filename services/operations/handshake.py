"""What a broker says to whoever comes, step by step: aiokafka tells of each failure that no broker answers."""

import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import AuthenticationFailedError, KafkaError, SaslAuthenticationFailed
from aiokafka.protocol.admin import SaslHandShakeRequest

from services.runtime.kafka import client_options, trouble
from services.runtime.sections.kafka import KafkaSettings

_TIMEOUT_MS = 5_000

# The newest of the versions that we cannot do without, by the protocol's numbers of requests. Metadata and
# DescribeGroups tell what is permitted, JoinGroup knows members by their instance_id: all three came with one release.
_NEEDED = {
    "Produce": (0, 3),
    "Fetch": (1, 4),
    "Metadata": (3, 8),
    "JoinGroup": (11, 5),
    "DescribeGroups": (15, 3),
    "InitProducerId": (22, 0),
}
_NEEDED_RELEASE = "2.3"
_TRIED_RELEASE = "4.1"


class Refused(NamedTuple):
    """How far it came, and what to do about it: two sentences. `answered`: a broker said so, and not its silence."""

    says: str
    remedy: str
    answered: bool = True


async def refusal(kafka: KafkaSettings) -> Refused | None:
    """Why none of `kafka.bootstrap` lets us in; None where one does. The first that answers says it, else the first."""
    refused: list[Refused] = []
    for host, port, _ in collect_hosts(kafka.bootstrap, randomize=False):
        if (found := await _of(kafka, host, port)) is None:
            return None
        refused.append(found)
    return next((one for one in refused if one.answered), refused[0])


def outdated(versions: Mapping[int, tuple[int, int]]) -> Refused | None:
    """What a broker lacks that knows these versions, lowest and highest, of each request."""
    for name, (number, needed) in _NEEDED.items():
        low, high = versions.get(number, (0, -1))
        if high < needed:
            says = f"it is too old: of {name} it knows version {high} at most, and {needed} is needed"
            return Refused(says, f"take Kafka {_NEEDED_RELEASE} or newer; {_TRIED_RELEASE} is what this was tried with")
        if low > needed:
            says = f"it is too new: of {name} it knows version {low} at least, and {needed} is what we speak"
            return Refused(says, f"take a newer Switchboard, or Kafka {_TRIED_RELEASE}, which this was tried with")
    return None


async def _of(kafka: KafkaSettings, host: str, port: int) -> Refused | None:
    where = f"{host}:{port}"
    encrypted = kafka.security_protocol.endswith("SSL")
    bare = client_options(kafka) | {"security_protocol": "SSL" if encrypted else "PLAINTEXT"}
    try:
        connection = await _connected(host, port, bare)
    except ssl.SSLCertVerificationError as error:
        return Refused(
            f"{where} shows a certificate that is not trusted: {error.verify_message}",
            "kafka.ssl_cafile is to name the authority that signed it, and kafka.bootstrap the host that it is for",
        )
    except ssl.SSLError:
        return Refused(f"{where} speaks no TLS with us", "look at kafka.security_protocol, and at kafka.ssl_certfile")
    except (KafkaError, OSError) as error:
        return _silent(where, error, encrypted)
    try:
        if (lacks := outdated(connection._versions)) is not None:
            return lacks._replace(says=f"{where}: {lacks.says}")
        offered = await _mechanisms(connection, kafka.sasl_mechanism)
    except (KafkaError, OSError):
        return Refused(
            f"{where} answers at first, and is silent or hangs up when it is asked for SASL",
            "look at its log, and whether a proxy stands before it; it may be stopping, overloaded or frozen",
            answered=False,
        )
    finally:
        connection.close()
    return await _let_in(kafka, (host, port), offered)


async def _let_in(kafka: KafkaSettings, at: tuple[str, int], offered: list[str]) -> Refused | None:
    """`offered`: the broker's SASL mechanisms here; none where it wants none."""
    where, named = f"{at[0]}:{at[1]}", ", ".join(offered)
    wanted = kafka.security_protocol.startswith("SASL")
    if offered and not wanted:
        protocol = "SASL_SSL" if kafka.security_protocol == "SSL" else "SASL_PLAINTEXT"
        return Refused(
            f"{where} lets in nobody without SASL, by {named}",
            f"set kafka.security_protocol to {protocol}, with kafka.sasl_mechanism, sasl_username and sasl_password",
        )
    if wanted and not offered:
        return Refused(
            f"{where} wants no SASL",
            "set kafka.security_protocol to SSL or PLAINTEXT, or is kafka.bootstrap to name another listener?",
        )
    if wanted and kafka.sasl_mechanism not in offered:
        return Refused(
            f"{where} does not know SASL by {kafka.sasl_mechanism}; it knows {named}",
            f"set kafka.sasl_mechanism to one that it knows, or add {kafka.sasl_mechanism} to the listener's "
            "sasl.enabled.mechanisms",
        )
    try:
        (await _connected(*at, client_options(kafka))).close()
    except (AuthenticationFailedError, SaslAuthenticationFailed):
        user = kafka.sasl_username
        return Refused(
            f"{where} knows no user {user} with this password, by {kafka.sasl_mechanism}",
            f"correct kafka.sasl_username or kafka.sasl_password; was {user} made for {kafka.sasl_mechanism}?",
        )
    except (KafkaError, OSError) as error:
        return Refused(f"{where}: {trouble(error)}", "look at the broker's log, and at kafka.security_protocol")
    return None


def _silent(where: str, error: Exception, encrypted: bool) -> Refused:
    if isinstance(error, ConnectionRefusedError):
        return Refused(f"no Kafka answers at {where}", "check that it runs, and kafka.bootstrap", answered=False)
    if isinstance(error, OSError) and error.errno is not None:
        return Refused(f"{where}: {trouble(error)}", "check kafka.bootstrap, and the way there", answered=False)
    other = "without TLS" if encrypted else "TLS alone"
    return Refused(
        f"{where} takes the connection, and is silent",
        f"does it speak {other}? Look at kafka.security_protocol. Else the broker is overloaded or frozen",
        answered=False,
    )


async def _connected(host: str, port: int, options: Mapping[str, Any]) -> AIOKafkaConnection:
    rest = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    return await create_conn(host, port, request_timeout_ms=_TIMEOUT_MS, **rest)


async def _mechanisms(connection: AIOKafkaConnection, mechanism: str) -> list[str]:
    """What a listener offers; a broker tells it with its refusal too. None of one that wants no SASL."""
    answer = await connection.send(SaslHandShakeRequest(mechanism))
    return [str(one) for one in answer.enabled_mechanisms]
