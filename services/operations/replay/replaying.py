"""Raw facts found on the log, and written to their topics once more."""

from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from functools import partial

from aiokafka import ConsumerRecord

from services.contract.topic import Topic
from services.operations.log import LogReader, check, heed_stop, readable
from services.operations.progress import Progress
from services.operations.replay.facts import Asked, ReplayError, Tally, copy, is_copy, read_fact
from services.operations.replay.pace import Pace
from services.operations.writing import FactWriter
from services.runtime.clock import now
from services.runtime.config import Settings


class Replay:
    """One replay, and how far it came, however it ends. Raises ReplayError where nothing in particular is meant.

    `every`: all facts may be meant. `per_second`: at most so many are written.
    """

    def __init__(self, settings: Settings, asked: Asked, every: bool, per_second: float) -> None:
        if asked.everything and not every:
            raise ReplayError("give a filter, such as --since; --all means every fact that the log has")
        self._settings = settings
        self._asked = asked
        self._pace = Pace(per_second)
        self.tallies = {topic.name: Tally() for topic in asked.topics}

    @property
    def chosen(self) -> int:
        """How many facts are meant."""
        return sum(tally.chosen for tally in self.tallies.values())

    @property
    def written(self) -> int:
        """How many facts were written and acknowledged."""
        return sum(tally.written for tally in self.tallies.values())

    async def run(self, apply: bool, progress: Progress) -> None:
        """Find what is meant, and write it if asked to; never holds more than some hundred records. Raises LogError."""
        kafka = self._settings.kafka
        await check(kafka, [topic.name for topic in self._asked.topics])
        # A moved clock is not the one by which Kafka dates records.
        from_ms = None if self._settings.clock_skew_file else self._asked.from_ms
        with readable(kafka):
            async with AsyncExitStack() as stack:
                log = await stack.enter_async_context(LogReader(kafka, from_ms))
                writer = await stack.enter_async_context(FactWriter(kafka)) if apply else None
                for topic in self._asked.topics:
                    await self._replay(topic, log, writer, partial(progress, topic.name))
        heed_stop()

    async def _replay(
        self, topic: Topic, log: LogReader, writer: FactWriter | None, told: Callable[[int, int], None]
    ) -> None:
        tally, oldest = self.tallies[topic.name], await log.oldest(topic)

        def acknowledged() -> None:
            tally.written += 1

        async with aclosing(log.batches(topic, told)) as batches:
            async for records in batches:
                chosen = [record for record in records if self._is_meant(record, oldest, tally)]
                if writer is None:
                    continue
                async for some in self._pace.portions(chosen):
                    await writer.write([copy(record, now()) for record in some], acknowledged)

    def _is_meant(self, record: ConsumerRecord, oldest: dict[int, int], tally: Tally) -> bool:
        fact = read_fact(record)
        if fact is None:
            tally.unreadable += 1
            return False
        if not self._asked.fits(fact):
            return False
        if is_copy(record, oldest[record.partition]):
            tally.copies += 1
            return False
        tally.choose(fact)
        return True
