"""The embedded broker, with the ways in which brokers fail."""

import asyncio
import resource
from collections.abc import Mapping
from typing import Self

from services.contract.topics import CHANGELOGS, DEAD, EVENTS
from services.embedded.broker import EmbeddedKafka
from services.operations.topic_admin import connect
from services.runtime.sections.kafka import KafkaSettings
from tests import acls
from tests.acls import Acl
from tests.faults.settings import LARGEST_RECORD

_PROPERTIES: Mapping[str, str] = {
    # Nobody is forbidden anything until a fault says so.
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
    "message.max.bytes": str(LARGEST_RECORD),
    "replica.fetch.max.bytes": str(LARGEST_RECORD),
}
_NOBODY_MAY_WRITE = Acl("*", "Write", "*", permission="deny")


class Broker:
    """A broker that is killed, frozen, slowed, filled and locked. Made by `start`."""

    def __init__(self, kafka: EmbeddedKafka) -> None:
        self._kafka = kafka
        # What is done to it is undone before the next is done.
        self._alone = asyncio.Lock()

    @classmethod
    async def start(cls) -> Self:
        return cls(await asyncio.to_thread(EmbeddedKafka.start, properties=_PROPERTIES, say=lambda _: None))

    @property
    def bootstrap(self) -> str:
        return self._kafka.bootstrap

    async def stop(self) -> None:
        self._kafka.thaw()
        await asyncio.to_thread(self._kafka.stop)

    async def kill(self, away_s: float) -> None:
        """kill -9; it comes back after so long and its start."""
        async with self._alone:
            await self._killed(away_s)

    async def freeze(self, seconds: float) -> None:
        """Nothing answers, and every connection stays open."""
        async with self._alone:
            await self._stand(seconds)

    async def slow(self, seconds: float) -> None:
        """It stands still most of the time, as behind a disk that does."""
        loop = asyncio.get_running_loop()
        async with self._alone:
            ends = loop.time() + seconds
            while loop.time() < ends:
                await self._stand(0.15)
                await asyncio.sleep(0.05)

    async def fill_disk(self, seconds: float) -> None:
        """No file may grow: the broker gives its log folder up, and ends. It comes back with room."""
        async with self._alone:
            if self._kafka.pid is not None:
                resource.prlimit(self._kafka.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            await asyncio.sleep(seconds)
            await self._killed(0.0)

    async def refuse_writes(self, seconds: float) -> None:
        """Nobody is authorised to write, to any topic."""
        async with self._alone:
            await acls.add(self.bootstrap, [_NOBODY_MAY_WRITE])
            try:
                await asyncio.sleep(seconds)
            finally:
                await acls.remove(self.bootstrap, _NOBODY_MAY_WRITE)

    async def lack_replicas(self, seconds: float) -> None:
        """No write is acknowledged: fewer replicas are in sync than each topic asks for."""
        async with self._alone:
            await self._least_in_sync(2)
            try:
                await asyncio.sleep(seconds)
            finally:
                await self._least_in_sync(1)

    async def _killed(self, away_s: float) -> None:
        await asyncio.to_thread(self._kafka.kill)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(self._kafka.restart)

    async def _stand(self, seconds: float) -> None:
        await asyncio.to_thread(self._kafka.freeze)
        await asyncio.sleep(seconds)
        self._kafka.thaw()

    async def _least_in_sync(self, count: int) -> None:
        names = [*(topic.name for topic in (*EVENTS, *DEAD)), *CHANGELOGS]
        async with connect(KafkaSettings(bootstrap=self.bootstrap, replication=1, min_insync_replicas=1)) as admin:
            await admin.alter({name: {"min.insync.replicas": str(count)} for name in names})
