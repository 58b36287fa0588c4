"""The broker that all tests of a worker share, and a clean log on it for a room that needs the product's topics."""

import asyncio

from services.embedded.broker import EmbeddedKafka
from services.operations import topics
from services.runtime.config import Settings
from tests.members import admin_of, made_to_leave
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
        async with admin_of(self.bootstrap) as admin:

            async def members_left() -> bool:
                # Whoever was killed is a member until its session is over.
                left = {name: await made_to_leave(admin, name) for name, _ in await admin.list_consumer_groups()}
                assert set(left.values()) <= {"Empty", "Dead"}, left
                return True

            async def no_topics() -> bool:
                if names := [name for name in await admin.list_topics() if not name.startswith("__")]:
                    await admin.delete_topics(names)
                return not names

            await eventually(members_left, 60, "the groups of the module before have ended")
            await eventually(no_topics, 30, "the topics of the module before are gone")
