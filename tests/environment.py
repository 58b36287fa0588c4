"""The broker that all tests of a worker share, and a clean log on it for a room that needs the product's topics."""

import asyncio
from collections.abc import Collection, Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import DeleteGroupsRequest

from services.contract.plan import Actual, Shape, Wanted, wanted
from services.embedded.broker import EmbeddedKafka
from services.operations import topics
from services.operations.topic_admin import TopicAdmin
from services.runtime.config import Settings
from tests.members import admin_of, made_to_leave
from tests.waiting import eventually


class _Laid(NamedTuple):
    """A topic as it was asked for, and as the broker had it then."""

    wanted: Wanted
    actual: Actual


class SharedBroker:
    """One embedded broker. Whoever has topics of its own needs nothing else of it.

    Those of the product have fixed names, as its groups have: a module that needs them begins with a clean log.
    """

    def __init__(self, broker: EmbeddedKafka) -> None:
        self.broker = broker
        self.bootstrap = broker.bootstrap
        self._laid: Mapping[str, _Laid] = {}

    def emptied(self) -> str:
        """No topic is left, no committed offset, and no member of a group. Returns the bootstrap servers."""
        asyncio.run(self._empty())
        return self.bootstrap

    def laid_out(self, settings: Settings) -> None:
        """As `emptied`, but with the product's topics by these settings, without a record that ever was.

        Most modules write to a few of a hundred topics. The others stay as the module before had them made: to make all
        anew costs the broker two seconds of CPU.
        """
        asyncio.run(self._lay_out(settings))

    async def _lay_out(self, settings: Settings) -> None:
        kafka = settings.kafka
        asked = wanted(Shape(kafka.partitions, kafka.replication, kafka.min_insync_replicas), kafka.tenant_topics)
        kept = await self._as_laid(asked)
        await self._empty(but=kept)
        await topics.ensure(settings)
        made = [one for one in asked if one.name not in kept]
        async with admin_of(self.bootstrap) as admin:
            found = await TopicAdmin(admin).actual(one.name for one in made)
        self._laid = {name: self._laid[name] for name in kept} | {one.name: _Laid(one, found[one.name]) for one in made}

    async def _as_laid(self, asked: Collection[Wanted]) -> set[str]:
        """Those of the topics asked for that are there already, as they were made, and that nobody has written to."""
        alike = {one.name for one in asked if one.name in self._laid and self._laid[one.name].wanted == one}
        async with admin_of(self.bootstrap) as admin:
            found = await TopicAdmin(admin).actual(alike)
        same = {name: one for name, one in found.items() if one == self._laid[name].actual}
        partitions = [TopicPartition(name, number) for name, one in same.items() for number in range(one.partitions)]
        async with AIOKafkaConsumer(bootstrap_servers=self.bootstrap) as consumer:
            # Of what is assigned it asks for the leaders once, of anything else topic by topic.
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
        return set(same) - {partition.topic for partition, end in ends.items() if end}

    async def _empty(self, but: Collection[str] = ()) -> None:
        async with admin_of(self.bootstrap) as admin:

            async def members_left() -> bool:
                # Whoever was killed is a member until its session is over.
                left = {name: await made_to_leave(admin, name) for name, _ in await admin.list_consumer_groups()}
                assert set(left.values()) <= {"Empty", "Dead"}, left
                return True

            async def no_groups() -> bool:
                if names := [name for name, _ in await admin.list_consumer_groups()]:
                    await _forget(admin, names)
                return not names

            async def no_topics() -> bool:
                there = [name for name in await admin.list_topics() if not name.startswith("__")]
                if names := [name for name in there if name not in but]:
                    await admin.delete_topics(names)
                return not names

            await eventually(members_left, 60, "the groups of the module before have ended")
            await eventually(no_groups, 30, "the groups of the module before are gone, with what they have committed")
            await eventually(no_topics, 30, "the topics of the module before are gone")


async def _forget(admin: AIOKafkaAdminClient, groups: list[str]) -> None:
    [broker] = (await admin.describe_cluster())["brokers"]
    await admin._send_request(DeleteGroupsRequest(groups), broker["node_id"])
