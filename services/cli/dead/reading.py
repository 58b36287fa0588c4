"""The letters on the log, and what was done about them."""

from collections.abc import AsyncGenerator, Mapping
from functools import partial
from typing import NamedTuple

from aiokafka import ConsumerRecord

from services.cli.bars import Bars
from services.cli.dead.asked import Asked
from services.cli.dead.letters import Letter, read_letter
from services.contract.codec import DecodeError, decode
from services.contract.letters import LetterHandled, Position
from services.contract.topics import HANDLED
from services.operations.log import LogReader, check, readable
from services.runtime.config import KafkaSettings

Marks = Mapping[Position, LetterHandled]


class Found(NamedTuple):
    """A letter, and the last thing that was done about it, if anything."""

    letter: Letter
    mark: LetterHandled | None


async def find(kafka: KafkaSettings, asked: Asked, bars: Bars) -> AsyncGenerator[list[Found]]:
    """Letters that are meant, some at a time, those of a partition in order. Raises LogError.

    A record that several services could not fold is one letter: what is done about it is done for all of them.
    """
    await check(kafka, [topic.name for topic in (HANDLED, *asked.topics)])
    with readable(kafka):
        marks = await _marks(kafka, bars)
        async with LogReader(kafka, asked.from_ms) as log:
            for topic in asked.topics:
                seen: set[Position] = set()
                async for records in log.batches(topic, partial(bars.show, topic.name)):
                    letters = [read_letter(record) for record in records]
                    if fresh := [one for one in letters if asked.fits(one) and _is_new(one.name, seen)]:
                        yield [Found(letter, marks.get(letter.name)) for letter in fresh]


def _is_new(name: Position, seen: set[Position]) -> bool:
    known = name in seen
    seen.add(name)
    return not known


async def _marks(kafka: KafkaSettings, bars: Bars) -> Marks:
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
        await log.read([HANDLED.name], take, partial(bars.show, HANDLED.name))
    return latest
