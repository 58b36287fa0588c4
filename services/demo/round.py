"""One round: play the story and its chapters, wait until nothing moves, read both ends, compare."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiokafka import AIOKafkaProducer

from services.checker.check import check
from services.checker.history import History, produced
from services.contract.messages import INBOUND, STATUS
from services.contract.topics import EVENTS
from services.demo import contact, rates
from services.demo.answers import ask_all
from services.demo.chapters import CHAPTERS
from services.demo.chapters.contact import ORDER
from services.demo.log import LogReader
from services.demo.people import people
from services.demo.places import Place, places
from services.demo.play import Played, Player
from services.demo.reconcile import reconcile
from services.demo.rest import Rest, read_at_rest
from services.demo.rows import Ends, Row
from services.demo.script import Command
from services.demo.settings import ACME_SERVICE, ACME_SMS, ACME_WHATSAPP
from services.demo.story import Story
from services.demo.twilio import Twilio
from services.local.show import Count, Show
from services.local.stack import Stack
from services.operations import topics
from services.operations.history import read_live
from services.operations.topic_admin import connect
from services.runtime.clock import CLOCK
from services.runtime.config import Settings
from services.runtime.kafka import durable_producer
from services.runtime.sections.kafka import KafkaSettings

_WATCH_S = 0.2


@dataclass(frozen=True)
class About:
    """What is told beside the rows: some rates by name, one contact's records, where messages went, a MessageSid."""

    rates: Mapping[str, str]
    contact: list[contact.Told]
    places: list[Place]
    example: str | None


@dataclass(frozen=True)
class Outcome:
    """What a round came to: the rows, what else is told, and all that was read."""

    rows: tuple[Row, ...]
    about: About
    history: History

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)


class Round:
    """One round on a running stack."""

    def __init__(self, settings: Settings, story: Story, show: Show) -> None:
        self._settings = settings
        self._story = story
        self._show = show
        self._played = Played()
        self._commands = (*story.commands, *(one for chapter in CHAPTERS for one in chapter.commands))
        self._replies = (*story.first, *story.replies, *(one for chapter in CHAPTERS for one in chapter.replies))

    async def run(self, stack: Stack) -> Outcome:
        """Raises LocalError as soon as a service ends by itself."""
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
            LogReader(self._settings.kafka) as reader,
        ):
            work = asyncio.create_task(self._work(session, reader))
            watch = asyncio.create_task(self._watch(stack, reader))
            try:
                await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
                if watch.done():
                    watch.result()
                return work.result()
            finally:
                work.cancel()
                watch.cancel()
                await asyncio.gather(work, watch, return_exceptions=True)

    async def _work(self, session: aiohttp.ClientSession, reader: LogReader) -> Outcome:
        settings, show = self._settings, self._show
        twilio = Twilio(settings.twilio.api, session)
        rest = Rest(settings, reader, twilio, session)
        await self._play(twilio, reader, rest)
        with show.step("until nothing moves", "Twilio, the sender's rows, the log, the folds"):
            still = await rest.wait(60 + len(self._commands) / 10)
        with show.step("reading both ends", "every record, every webhook, every message's row"):
            side = await twilio.seen()
            answers = await ask_all(session, settings.processor.url, [message.sid for message in side.created])
            known = people(settings, self._commands, self._replies)
            compared = reconcile(Ends(self._commands, side, reader.log, answers, known))
        with show.step("checking the promises", "by a checker that shares no code with what it checks"):
            said = [_produced(one) for one in self._everything()]
            history = await read_at_rest(lambda: read_live(settings, lambda *_: None, said), rest.wait)
            promises = checked(history)
        at_rest = Row("everything came to rest", 1, int(still is None), (still,) if still else ())
        story = {command.command_id for command in self._story.commands}
        median, late = rates.produced_to_sent_s(reader.log, story)
        alone, _ = rates.produced_to_sent_s(reader.log, {ORDER})
        told = {
            "one command alone, produced → sent": f"{alone:.2f} s",
            f"{len(story):,} at once, with as many webhooks": f"p50 {median:.2f} s, p95 {late:.2f} s",
            "webhooks acknowledged meanwhile": f"{rates.webhooks_per_second(side, story):,.0f}/s",
            "records on the log": f"{len(reader.log.entries):,}",
        }
        example = side.created[0].sid if side.created else None
        about = About(told, contact.story(settings, reader.log), places(reader.log), example)
        return Outcome((at_rest, *compared, promises), about, history)

    def _everything(self) -> tuple[Command, ...]:
        """All that was produced, each as often as it was."""
        return (*self._story.produced, *(one for chapter in CHAPTERS for one in chapter.commands))

    async def _play(self, twilio: Twilio, reader: LogReader, rest: Rest) -> None:
        story, show = self._story, self._show
        faults = self._settings.simulator.faults.model_dump()
        # What we say ourselves is said at the demo's time too.
        CLOCK.follow(self._settings.clock_skew_file)
        # From now on a free text past its window that slips through ends with 63016 there.
        await twilio.steer("windows", {"enforce": True})
        await twilio.steer(f"services/{ACME_SERVICE}", {"numbers": [ACME_SMS, ACME_WHATSAPP]})
        async with producers_time(self._settings), producing(self._settings.kafka) as producer:
            player = Player(self._settings.kafka, producer, twilio, reader.log, rest, faults, CLOCK, self._played)
            with show.step("the story", f"{len(story.commands):,} commands, {len(story.replies):,} replies"):
                await player.story(story)
            for chapter in CHAPTERS:
                with show.step(chapter.name, chapter.sentence):
                    await player.chapter(chapter)

    async def _watch(self, stack: Stack, reader: LogReader) -> None:
        began, told = asyncio.get_running_loop().time(), False
        while True:
            stack.check()
            self._show.counts(self._counts(reader), asyncio.get_running_loop().time() - began)
            if reader.log.sent and not told:
                told = True
                self._show.say(f"the first command was sent {self._show.elapsed_s:.1f} s after the start")
            await asyncio.sleep(_WATCH_S)

    def _counts(self, reader: LogReader) -> dict[str, Count]:
        log = reader.log
        again = len(self._story.produced) - len(self._story.commands)
        told = sum(1 + reply.again for reply in self._replies)
        return {
            "commands produced": Count(self._played.produced, len(self._commands) + again),
            "commands with their result": Count(len(log.terminal), len(self._commands)),
            "messages and flows begun": Count(len(log.sent), sum(command.step == "sent" for command in self._commands)),
            "status callbacks logged": Count(log.count[STATUS.name]),
            "inbound messages logged": Count(log.count[INBOUND.name], told),
        }


def checked(history: History) -> Row:
    """The promises that are held, of those that are."""
    findings = check(history)
    wrong = [
        f"{finding.promise}: {fault}"
        for finding in findings
        for fault in (
            *finding.lost[:1],
            *finding.doubled[:1],
            *finding.wrong[:1],
            *([] if finding.checked else [finding.unchecked]),
        )
    ]
    held = sum(finding.ok and finding.checked > 0 for finding in findings)
    return Row("promises that `switchboard check` finds kept", len(findings), held, tuple(wrong))


def _produced(command: Command) -> dict[str, Any]:
    return produced(command.topic, command.key, command.value)


@asynccontextmanager
async def producers_time(settings: Settings) -> AsyncIterator[None]:
    """The broker dates public records, and nobody moves its clock: while the demo plays yesterday, we date them."""
    public = [topic.name for topic in EVENTS if topic.public]
    async with connect(settings.kafka) as admin:
        await admin.alter({name: {"message.timestamp.type": "CreateTime"} for name in public})
    yield
    await topics.ensure(settings)


@asynccontextmanager
async def producing(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer of our own, as a customer would have one."""
    producer = durable_producer(kafka)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
