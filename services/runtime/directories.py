"""All that the log holds of our senders, kept in memory: a small compacted topic, read whole at the start and followed.

Every worker has all of it, whatever partitions of other topics it owns: what is known of a sender counts for anybody.
"""

import logging

from aiokafka import ConsumerRecord

from services.contract import codec
from services.contract.senders import SENDERS
from services.domain.contact import canonical
from services.domain.senders.directory import NOBODY, Directory
from services.domain.senders.events import SendersStated
from services.runtime.following import Following
from services.runtime.sections.kafka import KafkaSettings

logger = logging.getLogger(__name__)


class Directories:
    """By tenant what is known of its senders."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._parts: dict[str, dict[str, SendersStated]] = {}
        self._joined: dict[str, Directory] = {}
        # In their one spelling, of all tenants; None: to be gathered.
        self._addresses: frozenset[str] | None = None
        self._following = Following(kafka, [SENDERS.name], self._take)

    async def start(self) -> None:
        await self._following.start()

    async def stop(self) -> None:
        await self._following.stop()

    async def read(self) -> None:
        """Wait until all is read that was there when this began."""
        await self._following.read()

    def of(self, tenant: str) -> Directory:
        found = self._joined.get(tenant)
        if found is None:
            parts = self._parts.get(tenant)
            if parts is None:
                return NOBODY
            found = self._joined[tenant] = Directory(parts.values())
        return found

    def knows(self, address: str) -> bool:
        """Is an address, in its one spelling, a sender of any tenant?"""
        if self._addresses is None:
            known = (name for parts in self._parts.values() for part in parts.values() for name in part.senders)
            self._addresses = frozenset(map(canonical, known))
        return address in self._addresses

    def take(self, key: bytes, value: bytes | None) -> None:
        """One record. What cannot be read is told and left out: only we write there."""
        tenant, _, part = key.decode("utf-8", "replace").rpartition("|")
        if value is None:
            self._parts.get(tenant, {}).pop(part, None)
        else:
            try:
                self._parts.setdefault(tenant, {})[part] = codec.decode(value, SendersStated)
            except codec.DecodeError as error:
                logger.error("%s: %s of %s cannot be read: %s", SENDERS.name, part, tenant, error)
        self._joined.pop(tenant, None)
        self._addresses = None

    def _take(self, record: ConsumerRecord) -> None:
        self.take(record.key or b"", record.value)
