"""Whether the workers have folded the log as far as it was read."""

from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.contract.access import FOLDED_BY
from services.contract.topic import shared_name


async def behind(admin: AIOKafkaAdminClient, last: Mapping[TopicPartition, int]) -> str | None:
    """Who has not folded what, or None. `last`: the offset of the last record of each partition."""
    for app, topics in FOLDED_BY.items():
        committed = await admin.list_consumer_group_offsets(app)
        for at, offset in last.items():
            done = committed[at].offset if at in committed else 0
            if shared_name(at.topic) in topics and done <= offset:
                return f"{app} has not folded {at.topic} to its end"
    return None
