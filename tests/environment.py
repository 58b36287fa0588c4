"""The broker that all tests of a worker share, and a clean log on it for a room that needs the product's topics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.group import LeaveGroupRequest

from services.embedded.broker import EmbeddedKafka
from services.operations import topics
from services.runtime.config import Settings
from tests.waiting import eventually


class SharedBroker:
    """One embedded broker. Whoever has topics of its own needs nothing else of it.

    Those of the product have fixed names, as its groups have: a module that needs them begins with a clean log.
    """

    def __init__(self, broker: EmbeddedKafka) -> None:
        self.broker = broker
        self.bootstrap = broker.bootstrap

    def emptied(self) -> str:
        """No topic is left, no committed offset, and no member of a group. Returns the bootstrap servers."""
        asyncio.run(self._empty())
        return self.bootstrap

    def laid_out(self, settings: Settings) -> None:
        """Emptied, and with the product's topics by these settings."""
        self.emptied()
        asyncio.run(topics.ensure(settings))

    async def _empty(self) -> None:
        async with _admin(self.bootstrap) as admin:

            async def members_left() -> bool:
                # Whoever was killed is a member until its session is over, so each is made to leave. aiokafka reads
                # answers on one group only.
                [broker] = (await admin.describe_cluster())["brokers"]
                for name, _ in await admin.list_consumer_groups():
                    [answer] = await admin.describe_consumer_groups([name], broker["node_id"])
                    [(_, _, state, _, _, members)] = answer.groups
                    for member, *_ in members:
                        await admin._send_request(LeaveGroupRequest(name, member), broker["node_id"])
                    assert state in ("Empty", "Dead"), f"{name}: {state}"
                return True

            async def no_topics() -> bool:
                if names := [name for name in await admin.list_topics() if not name.startswith("__")]:
                    await admin.delete_topics(names)
                return not names

            await eventually(members_left, 60, "the groups of the module before have ended")
            await eventually(no_topics, 30, "the topics of the module before are gone")


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
