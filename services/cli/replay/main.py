"""`switchboard replay`: raw facts, shown, and with --apply written to their topics once more."""

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import Annotated

import typer
from aiokafka import ConsumerRecord
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from services.cli.attended import attend
from services.cli.bars import Bars
from services.cli.console import make_console
from services.cli.contact import key_of
from services.cli.replay.facts import Asked, ReplayError, Tally, copy, is_copy, read_fact, topics
from services.cli.replay.pace import Pace
from services.cli.times import Time, limits
from services.contract.topics import Topic
from services.operations.log import LogReader, check, heed_stop, readable
from services.operations.writing import FactWriter
from services.runtime.clock import now
from services.runtime.config import Settings, load

_STOPPED = "Stopped. What was replayed stays: it is the same facts, and a second run may replay them again."


class _Work:
    """One run of the command, and how far it came."""

    def __init__(self, settings: Settings, asked: Asked, pace: Pace) -> None:
        self._settings = settings
        self._asked = asked
        self._pace = pace
        self.tallies = {topic.name: Tally() for topic in asked.topics}

    @property
    def written(self) -> int:
        """How many facts were written and acknowledged."""
        return sum(tally.written for tally in self.tallies.values())

    async def run(self, apply: bool) -> None:
        """Find what is meant, and write it if asked to; never holds more than some hundred records.

        Raises ConfigError with a sentence for whatever is in the way.
        """
        kafka = self._settings.kafka
        await check(kafka, [topic.name for topic in self._asked.topics])
        bars = Bars()
        # A moved clock is not the one by which Kafka dates records.
        from_ms = None if self._settings.clock_skew_file else self._asked.from_ms
        with bars.progress, readable(kafka):
            async with AsyncExitStack() as stack:
                log = await stack.enter_async_context(LogReader(kafka, from_ms))
                writer = await stack.enter_async_context(FactWriter(kafka)) if apply else None
                for topic in self._asked.topics:
                    await self._replay(topic, log, writer, partial(bars.show, topic.name))
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

    def so_far(self) -> str:
        """What a stopped run has done, as a sentence; empty if nothing."""
        return f"{self.written:,} facts were replayed before that." if self.written else ""

    def tell(self, apply: bool) -> None:
        _show(self.tallies.items())
        chosen = sum(tally.chosen for tally in self.tallies.values())
        if apply:
            _say(f"{self.written:,} facts were replayed.")
        elif chosen:
            _say(f"{chosen:,} facts would be replayed. Nothing was written; --apply does it.")
        else:
            _say("No fact is meant.")
        if any(tally.unreadable for tally in self.tallies.values()):
            _say("What cannot be read is among the dead letters: switchboard dead list")


def replay(
    sid: Annotated[
        list[str] | None, typer.Option(help="Facts about this MessageSid; may be given several times.")
    ] = None,
    contact: Annotated[str | None, typer.Option(help="Facts about this person: an address or a contact key.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Facts of this tenant.")] = None,
    since: Time = None,
    until: Time = None,
    topic: Annotated[str | None, typer.Option(help="Of this raw topic alone; else of both.")] = None,
    per_second: Annotated[
        float, typer.Option(min=0.01, help="At most so many; sends wait behind what is replayed.")
    ] = 500,
    every: Annotated[bool, typer.Option("--all", help="Every fact, where no filter is given.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else it is only shown.")] = False,
) -> None:
    """Write raw facts to their topics once more: the same key, bytes and headers, so the same facts with the same ids.

    It changes nothing that was right, and mends what a fold has lost. Times: when we heard of it. What could not be
    folded is retried by `switchboard dead retry --reason …`.
    """
    works: list[_Work] = []

    async def work() -> None:
        settings = load()
        key = None if contact is None else await key_of(settings, tenant, contact)
        start, end = limits(since, until)
        asked = Asked(topics(topic), frozenset(sid or ()), tenant, key, start, end)
        if asked.everything and not every:
            raise ReplayError("give a filter, such as --since; --all means every fact that the log has")
        works.append(_Work(settings, asked, Pace(per_second)))
        await works[0].run(apply)
        works[0].tell(apply)

    attend(work, lambda: works[0].so_far() if works else "", _STOPPED)


def _show(tallies: Iterable[tuple[str, Tally]]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("topic", "facts", "from (UTC)", "to (UTC)", "copies left out", "cannot be read"):
        table.add_column(name, no_wrap=True)
    for name, tally in tallies:
        counts = (f"{tally.copies:,}", f"{tally.unreadable:,}")
        table.add_row(name, f"{tally.chosen:,}", tally.first or "", tally.last or "", *counts)
    make_console().print(table, crop=False)


def _say(line: str) -> None:
    make_console().print(Text(line), soft_wrap=True)
