"""The letters on the log, and what was done about them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import NamedTuple

from aiokafka import ConsumerRecord

from services.contract.codec import DecodeError, decode
from services.contract.letters import HANDLED, LetterHandled, Position
from services.operations.dead.asked import Asked, topics_of
from services.operations.dead.letters import Letter, read_letter
from services.operations.log import LogReader, check, heed_stop, readable
from services.operations.progress import Progress
from services.runtime.sections.kafka import KafkaSettings

Marks = Mapping[Position, LetterHandled]


class Found(NamedTuple):
    """A letter, and the last thing that was done about it, if anything."""

    letter: Letter
    mark: LetterHandled | None


async def find_one(kafka: KafkaSettings, name: Position, progress: Progress) -> Found | None:
    """The letter of this name, if there is one. Raises LogError."""
    asked = Asked(topics_of([name]), frozenset([name]))
    async with aclosing(find(kafka, asked, progress)) as found:
        async for letters in found:
            return letters[0]
    heed_stop()
    return None


async def find(kafka: KafkaSettings, asked: Asked, progress: Progress) -> AsyncGenerator[list[Found]]:
    """Letters that are meant, some at a time, those of a partition in order. Raises LogError.

    A record that several services could not fold is one letter: what is done about it is done for all of them.
    """
    await check(kafka, [topic.name for topic in (HANDLED, *asked.topics)])
    with readable(kafka):
        marks = await _marks(kafka, progress)
        async with LogReader(kafka, asked.from_ms) as log:
            for topic in asked.topics:
                seen: set[Position] = set()
                async for records in log.batches(topic, partial(progress, topic.name)):
                    letters = [read_letter(record) for record in records]
                    if fresh := [one for one in letters if asked.fits(one) and _is_new(one.name, seen)]:
                        yield [Found(letter, marks.get(letter.name)) for letter in fresh]
    heed_stop()


def _is_new(name: Position, seen: set[Position]) -> bool:
    known = name in seen
    seen.add(name)
    return not known


async def _marks(kafka: KafkaSettings, progress: Progress) -> Marks:
    latest: dict[Position, LetterHandled] = {}

    def take(record: ConsumerRecord) -> None:
        try:
            mark = decode(record.value, LetterHandled)
        except DecodeError:
            # Whoever wrote it, it marks nothing.
            return
        if mark.position not in latest or latest[mark.position].at <= mark.at:
            latest[mark.position] = mark

    async with LogReader(kafka, None) as log:
        await log.read([HANDLED.name], take, partial(progress, HANDLED.name))
    return latest
