"""What the user of the settings may do at the broker, asked of the broker itself: nothing is tried, nothing written.

aiokafka asks for metadata in versions that do not tell it. Transactional ids cannot be asked about in any.
"""

import asyncio
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, NoError, for_code
from aiokafka.protocol.admin import DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

# The first question about groups lets a broker make its topic of them.
_WAITS_S = (0.2, 0.5, 1.0, 2.0, 4.0)
# The protocol's numbers; of what is permitted, its bits.
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10, "AlterConfigs": 11}


class _TopicsResponse(Response):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8")))),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _TopicsStruct(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _TopicsResponse
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _Topics(Request[_TopicsStruct]):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def build(self, struct: type[_TopicsStruct]) -> _TopicsStruct:
        return struct(self._names, False, False, True)


class _GroupsStruct(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = DescribeGroupsResponse_v3
    SCHEMA = Schema(("groups", Array(String("utf-8"))), ("include_authorized_operations", Boolean))


class _Groups(Request[_GroupsStruct]):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 15

    def __init__(self, name: str) -> None:
        self._name = name

    def build(self, struct: type[_GroupsStruct]) -> _GroupsStruct:
        return struct([self._name], True)


async def of_topics(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, set[str]]:
    """By topic what is permitted; nothing of one that is not there, or may not be seen."""
    answer = await client._send_request(_Topics(names))
    return {topic: set() if code else _operations(bits) for code, topic, _, _, bits in answer.topics}


async def of_group(client: AIOKafkaAdminClient, name: str) -> set[str]:
    """What is permitted on a consumer group. Raises KafkaError, also where nobody knows of groups for some seconds."""
    for wait_s in _WAITS_S:
        try:
            return await _of_group(client, name)
        except GroupAuthorizationFailedError:
            return set()
        except KafkaError as error:
            if not error.retriable:
                raise
        await asyncio.sleep(wait_s)
    return await _of_group(client, name)


async def _of_group(client: AIOKafkaAdminClient, name: str) -> set[str]:
    node = await client.find_coordinator(name)
    answer: Any = await client._send_request_to_node(node, _Groups(name))
    [(code, _, _, _, _, _, bits)] = answer.groups
    if (error := for_code(code)) is not NoError:
        raise error()
    return _operations(bits)


def _operations(bits: int) -> set[str]:
    return {name for name, bit in OPERATIONS.items() if bits >> bit & 1}
