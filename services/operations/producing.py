"""Public commands that an operation produces: on the tenant's own topic where it has one, else signed."""

import json

from aiokafka.errors import KafkaError

from services.contract import codec
from services.contract.followups import FOLLOWUPS
from services.contract.messages import MESSAGES
from services.contract.signatures import HEADER
from services.contract.studio import STARTS
from services.contract.topic import Topic, own_topic
from services.domain.followups.commands import FollowUp
from services.domain.messages.commands import CancelMessage, RescheduleMessage, ResolveAmbiguous
from services.domain.studio.commands import ResolveExecution
from services.operations.log import LogError
from services.runtime.config import Settings
from services.runtime.kafka import durable_producer, let_go, trouble
from services.runtime.section import ConfigError
from services.runtime.speaking import signature
from services.runtime.tenants.opening import tenants_of


class Speaker:
    """Speaks for a tenant, so that senders believe it. Raises ConfigError where nothing makes them."""

    def __init__(self, settings: Settings, tenant: str) -> None:
        self._tenant = tenant
        self._has_own = tenant in settings.kafka.tenant_topics
        self._known = known = tenants_of(settings).get(tenant)
        if known is not None and known.unsigned_commands == "refused" and not (known.producer_keys or self._has_own):
            raise ConfigError(
                f"{tenant}: unsigned_commands is refused, and it has neither producer_keys nor topics of its own; add "
                "a key to its file, or name it in kafka.tenant_topics"
            )

    def topic(self, shared: Topic) -> str:
        """Where its commands are produced."""
        return own_topic(shared, self._tenant).name if self._has_own else shared.name

    def headers(self, topic: str, value: bytes) -> list[tuple[str, bytes]]:
        """The headers of a command on `topic`."""
        return [*codec.headers(topic), *self.signature(topic, value)]

    def signature(self, topic: str, value: bytes) -> list[tuple[str, bytes]]:
        """By the first of the tenant's keys; none where it has none, or the topic is its own."""
        return signature(self._tenant, self._known, topic, value)


Command = ResolveAmbiguous | ResolveExecution | CancelMessage | RescheduleMessage | FollowUp


def _shared(command: Command) -> Topic:
    match command:
        case ResolveExecution():
            return STARTS
        case FollowUp():
            return FOLLOWUPS
        case _:
            return MESSAGES


async def produce(settings: Settings, command: Command) -> None:
    """One command, acknowledged. Raises LogError, and ConfigError where nobody would believe it."""
    speaker, value = Speaker(settings, command.tenant), codec.encode(command)
    topic = speaker.topic(_shared(command))
    producer = durable_producer(settings.kafka)
    try:
        await producer.start()
        await producer.send_and_wait(
            topic, value, key=command.command_id.encode(), headers=speaker.headers(topic, value)
        )
    except KafkaError as error:
        raise LogError(f"Kafka did not take it ({trouble(error)}); check kafka.bootstrap, then say it again") from error
    finally:
        await let_go(producer)


def signed_anew(
    settings: Settings, topic: str, value: bytes, headers: list[tuple[str, bytes]]
) -> list[tuple[str, bytes]]:
    """The headers of a record whose value is another one now. Raises ConfigError as a Speaker does."""
    kept = [(name, content) for name, content in headers if name != HEADER]
    tenant = _tenant(value)
    return kept if tenant is None else [*kept, *Speaker(settings, tenant).signature(topic, value)]


def _tenant(value: bytes) -> str | None:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    tenant = found.get("tenant") if isinstance(found, dict) else None
    return tenant if isinstance(tenant, str) else None
