"""Senders with different lists of tenants' own topics never fold at once: who starts waits for the others to be gone.

Members of one group that read different topics share out the partitions of public topics in different ways: two would
fold one partition, or nobody would read a topic. So a rolling restart with another list stops at its first sender.
"""

import asyncio
from collections.abc import Iterable

from aiokafka.errors import KafkaError

from services.contract.fold import SENDER_APP
from services.contract.topic import owner_of
from services.contract.topics import own_topics
from services.operations.topic_admin import TopicAdmin, TopicsError, connect
from services.runtime.sections.kafka import KafkaSettings

# Beside a session: what it takes the group to share out its partitions once that is over.
MARGIN_S = 5.0
_POLL_S = 0.2
_BUSY = "the senders' group is sharing out its partitions, and does not say who reads what; start this one again"


async def same_list(kafka: KafkaSettings, patience_s: float) -> None:
    """Return once each sender in the group reads the own topics that these settings name, and no others.

    One that has stopped is in the group until its session is over; so may be this one, as it was before. Raises
    TopicsError when `patience_s` seconds are over, or Kafka does not answer.
    """
    wanted = frozenset(topic.name for topic in own_topics(kafka.tenant_topics))
    deadline = asyncio.get_running_loop().time() + patience_s
    async with connect(kafka) as admin:
        if not any(map(owner_of, await admin.names())):
            # Nobody can read what is not there, and most have none.
            return
        while why := await _hindrance(admin, wanted):
            if asyncio.get_running_loop().time() > deadline:
                raise TopicsError(why)
            await asyncio.sleep(_POLL_S)


async def _hindrance(admin: TopicAdmin, wanted: frozenset[str]) -> str | None:
    try:
        subscriptions = await admin.subscriptions(SENDER_APP)
    except KafkaError as error:
        if not error.retriable:
            raise
        # As the first group of a new cluster, or one whose broker has just changed.
        return _BUSY
    if subscriptions is None:
        return _BUSY
    for topics in subscriptions:
        if (read := frozenset(filter(owner_of, topics))) != wanted:
            return (
                f"kafka.tenant_topics: this sender has {_tenants(wanted)}, and one that runs has {_tenants(read)}; "
                "stop all senders, and start them again with one list (docs/tenants.md)"
            )
    return None


def _tenants(topics: Iterable[str]) -> str:
    return ", ".join(sorted({owner_of(topic) or "" for topic in topics})) or "none"
