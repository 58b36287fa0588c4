"""What the log holds of each tenant on a compacted topic, kept in memory: read whole, and followed."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

import msgspec
from aiokafka import ConsumerRecord

from services.contract import codec
from services.contract.topic import Topic
from services.runtime.following import Following
from services.runtime.sections.kafka import KafkaSettings

logger = logging.getLogger(__name__)

T = TypeVar("T", bound=msgspec.Struct)
J = TypeVar("J")


class ByTenant(Generic[T]):
    """Facts of one type, keyed `{tenant}|{name}`. `changed` is told of each record, the first ones too: the fact as it
    was and as it is; None: there was, or is, none."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: Topic,
        type_: type[T],
        changed: Callable[[T | None, T | None], None] = lambda _was, _now: None,
    ) -> None:
        self._facts: defaultdict[str, dict[str, T]] = defaultdict(dict)
        self._topic = topic.name
        self._type = type_
        self._changed = changed
        self._following = Following(kafka, [topic.name], self._take)

    async def start(self) -> None:
        await self._following.start()

    async def stop(self) -> None:
        await self._following.stop()

    async def read(self) -> None:
        """Wait until all is read that was there when this began."""
        await self._following.read()

    @property
    def whole(self) -> bool:
        """Whether all is read that was there when this began."""
        return self._following.whole

    def facts(self, tenant: str) -> Mapping[str, T]:
        """A tenant's, by name."""
        return self._facts.get(tenant, {})

    def take(self, key: bytes, value: bytes | None) -> None:
        """One record. What cannot be read is told and left out: only we write there."""
        tenant, _, name = key.decode("utf-8", "replace").partition("|")
        known = self._facts[tenant]
        was, now = known.pop(name, None), None
        if value is not None:
            try:
                now = known[name] = codec.decode(value, self._type)
            except codec.DecodeError as error:
                logger.error("%s: %s of %s cannot be read: %s", self._topic, name, tenant, error)
        self._forget(tenant)
        self._changed(was, now)

    def _forget(self, tenant: str) -> None:
        """What was made of a tenant's facts is not so any more."""

    def _take(self, record: ConsumerRecord) -> None:
        self.take(record.key or b"", record.value)


class Joined(ByTenant[T], Generic[T, J]):
    """The same, and what all facts of a tenant say together: made when it is asked for, and kept until one changes."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: Topic,
        type_: type[T],
        join: Callable[[Iterable[T]], J],
        changed: Callable[[T | None, T | None], None],
    ) -> None:
        super().__init__(kafka, topic, type_, changed)
        self._join = join
        self._nothing = join(())
        self._made: dict[str, J] = {}

    def of(self, tenant: str) -> J:
        found = self._made.get(tenant)
        if found is None:
            if not (facts := self.facts(tenant)):
                return self._nothing
            found = self._made[tenant] = self._join(facts.values())
        return found

    def _forget(self, tenant: str) -> None:
        self._made.pop(tenant, None)
