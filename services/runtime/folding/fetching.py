"""Which partitions aiokafka fetches, and from where: those that are read.

A partition that Faust has paused is one that Faust does not look at. aiokafka fetched it all the same: the sources
while tables are restored, and every row that we write to a changelog while we fold. For the consumer's thread.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import OffsetResetStrategy

from services.runtime.patience import look


def pause(consumer: AIOKafkaConsumer, partitions: Iterable[Any]) -> None:
    """Fetch nothing of those that are still assigned."""
    consumer.pause(*_assigned(consumer, partitions))


def resume(consumer: AIOKafkaConsumer, partitions: Iterable[Any]) -> None:
    """Fetch those that are still assigned, from where they are placed."""
    consumer.resume(*_assigned(consumer, partitions))
    look(consumer._fetcher)


def _assigned(consumer: AIOKafkaConsumer, partitions: Iterable[Any]) -> list[TopicPartition]:
    assigned = consumer.assignment()
    return [TopicPartition(*tp) for tp in partitions if tp in assigned]


class Placing:
    """Where an assignment is read from; nothing of it is fetched before that is known.

    aiokafka's own way asks for the committed offset of one partition after the other, of changelogs too, which have
    none: hundreds of questions at each rebalance, before the first fetch.
    """

    def __init__(self, consumer: AIOKafkaConsumer, is_changelog: Callable[[Any], bool]) -> None:
        self._consumer = consumer
        self._is_changelog = is_changelog
        # Of sources that nobody has committed.
        self._beginnings: dict[TopicPartition, int] = {}

    async def begin(self) -> None:
        """Fetch nothing. Sources stand where they were committed, changelogs anywhere: Faust places them."""
        consumer = self._consumer
        consumer.pause(*consumer.assignment())
        for tp in filter(self._is_changelog, consumer.assignment()):
            consumer.seek(tp, 0)
        fresh = self._seek(await self._committed())
        # Nobody waits for the answer yet: a fetch of the former assignment may be under way.
        consumer._fetcher.request_offset_reset(fresh, OffsetResetStrategy.EARLIEST)

    async def end(self) -> Mapping[TopicPartition, int | None]:
        """The sources stand there once more, whatever was fetched and dropped. Returns what is committed."""
        committed = await self._committed()
        for tp in self._seek(committed):
            self._beginnings[tp] = await self._consumer.position(tp)
        return committed

    async def _committed(self) -> Mapping[TopicPartition, int | None]:
        sources = [tp for tp in self._consumer.assignment() if not self._is_changelog(tp)]
        found = await self._consumer._coordinator.fetch_committed_offsets(sources)
        return {tp: found[tp].offset if tp in found else None for tp in sources}

    def _seek(self, committed: Mapping[TopicPartition, int | None]) -> list[TopicPartition]:
        """Returns those of which it is not known where they begin."""
        unknown = []
        for tp, offset in committed.items():
            at = offset or self._beginnings.get(tp)
            if at is None:
                unknown.append(tp)
            else:
                self._consumer.seek(tp, at)
        return unknown
