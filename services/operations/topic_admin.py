"""Topics at a real broker: read them, create them, set their keys; and who reads them. Nothing here deletes."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    NoError,
    TopicAuthorizationFailedError,
    for_code,
)

from services.contract.plan import Actual, Wanted, few
from services.operations import rights
from services.operations.handshake import Refused, refusal
from services.runtime.kafka import client_options, trouble
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings

_TIMEOUT_MS = 15_000
_ALREADY_EXISTS = 36
_REPLICATION_IMPOSSIBLE = 38
# Where a value was set: on the topic itself, neither by the broker nor by default.
_SET_ON_TOPIC = 1
# Of a group. In any other a broker does not tell what its members read.
_SETTLED_STATES = {"Stable", "Empty", "Dead"}


class TopicsError(ConfigError):
    """The settings and the broker's topics do not go together; the text is for people, with the remedy."""


def other_count(names: Sequence[str], actual: int, configured: int) -> str:
    """The sentence about topics whose partition count is not the configured one; every command says the same."""
    return (
        f"{few(names)}: {actual} partitions, kafka.partitions says {configured}; a key would be looked for where it is "
        f"not: correct the setting to {actual}"
    )


class TopicAdmin:
    """The broker's topics. Made by `connect`, which turns the broker's errors into TopicsError."""

    def __init__(self, client: AIOKafkaAdminClient) -> None:
        self._client = client

    async def names(self) -> set[str]:
        """All topics that we may see. To ask for one by name could create it."""
        return set(await self._client.list_topics())

    async def partitions(self) -> dict[str, int]:
        """How many partitions each topic has that we may see. It takes no right but that."""
        return {topic["topic"]: len(topic["partitions"]) for topic in await self._client.describe_topics()}

    async def brokers(self) -> int:
        """How many the cluster has."""
        return len((await self._client.describe_cluster())["brokers"])

    async def permitted(self, topics: Sequence[str], groups: Sequence[str]) -> dict[str, set[str]]:
        """By topic and by consumer group what we may do there, in the words of Kafka's ACLs."""
        found = await rights.of_topics(self._client, list(topics))
        return found | {group: await rights.of_group(self._client, group) for group in groups}

    async def actual(self, names: Iterable[str]) -> dict[str, Actual]:
        """Those of `names` that exist."""
        wanted = set(names)
        found = {topic["topic"]: topic for topic in await self._client.describe_topics()}
        configs = await self._configs([name for name in found if name in wanted])
        return {
            name: Actual(
                partitions=len(found[name]["partitions"]),
                replication=min(len(one["replicas"]) for one in found[name]["partitions"]),
                config={key: value for key, (value, _) in config.items()},
            )
            for name, config in configs.items()
        }

    async def create(self, topics: Sequence[Wanted]) -> None:
        """Create topics. One that somebody else has created meanwhile is no error."""
        if not topics:
            return
        new = [NewTopic(t.name, t.partitions, t.replication, topic_configs=dict(t.config)) for t in topics]
        answer = await self._client.create_topics(new)
        for name, code, message in answer.topic_errors:
            if code and code != _ALREADY_EXISTS:
                hint = "; lower kafka.replication or add brokers" if code == _REPLICATION_IMPOSSIBLE else ""
                raise TopicsError(f"{name} cannot be created: {message or for_code(code).__name__}{hint}")

    async def alter(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        """Set keys of topics, and leave every other key as it is."""
        if not changes:
            return
        # aiokafka knows only the call that resets what it does not name, so what was set before goes along.
        before = await self._configs(list(changes))
        merged = {
            name: {key: value for key, (value, source) in before.get(name, {}).items() if source == _SET_ON_TOPIC}
            | dict(changes[name])
            for name in changes
        }
        answers = await self._client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, config) for name, config in merged.items()]
        )
        for answer in answers:
            for code, message, _, name in answer.resources:
                if code:
                    raise TopicsError(f"{name} cannot be altered: {message or for_code(code).__name__}")

    async def members(self, group: str) -> int:
        """How many consumers a group has now."""
        answers = await self._client.describe_consumer_groups([group])
        return sum(len(described[5]) for answer in answers for described in answer.groups)

    async def subscriptions(self, group: str) -> list[frozenset[str]] | None:
        """The topics that each member of a group reads; None while the group shares out its partitions.

        Raises KafkaError, a retriable one while no broker knows of the group.
        """
        [answer] = await self._client.describe_consumer_groups([group])
        [(code, _, state, _, _, members, *_)] = answer.groups
        if (error := for_code(code)) is not NoError:
            raise error()
        if state not in _SETTLED_STATES:
            return None
        return [frozenset(ConsumerProtocol.METADATA.decode(one[3]).subscription) for one in members]

    async def committed(self, group: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets that a group goes on from; 0 where it has committed none."""
        answer = await self._client.list_consumer_group_offsets(group, partitions=list(partitions))
        return {one: max(0, answer[one].offset) if one in answer else 0 for one in partitions}

    async def _configs(self, names: Sequence[str]) -> dict[str, dict[str, tuple[str, int]]]:
        """By topic and key: the effective value and where it was set. A topic that went away is left out.

        Raises TopicsError where we may not look: what is not seen must not be taken for absent.
        """
        if not names:
            return {}
        answers = await self._client.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        )
        found = [resource for answer in answers for resource in answer.resources]
        if hidden := sorted(name for code, _, _, name, _ in found if code == TopicAuthorizationFailedError.errno):
            more = f" and {len(hidden) - 1} more" if len(hidden) > 1 else ""
            raise TopicsError(
                f"the settings of {hidden[0]}{more} may not be looked at; grant DescribeConfigs, or come as who may: "
                "`switchboard topics acls topics` has the rights that it takes"
            )
        return {
            name: {key: (value, source) for key, value, _, source, *_ in config}
            for code, _, _, name, config in found
            if not code
        }


@asynccontextmanager
async def connect(kafka: KafkaSettings) -> AsyncIterator[TopicAdmin]:
    """The broker's topics, while the block lasts. Raises TopicsError for whatever the broker does not do."""
    client = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=_TIMEOUT_MS)
    try:
        await client.start()
        yield TopicAdmin(client)
    except (KafkaConnectionError, NodeNotReadyError, OSError, TimeoutError) as error:
        why = await refusal(kafka) or Refused(trouble(error), "run it again")
        raise TopicsError(f"{why.says}; {why.remedy}") from error
    except KafkaError as error:
        # As where a new cluster has had no group yet: it makes the topic of their offsets when it is first asked.
        remedy = "run it again in some seconds" if error.retriable else "check what kafka.sasl_username may do"
        raise TopicsError(f"Kafka at {kafka.bootstrap} refuses ({trouble(error)}); {remedy}") from error
    finally:
        await client.close()
