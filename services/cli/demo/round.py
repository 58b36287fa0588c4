"""One round: play the story, wait until nothing moves, read both ends, compare."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from services.cli.demo import rates
from services.cli.demo.answers import ask_all
from services.cli.demo.log import LogReader
from services.cli.demo.play import Played, play
from services.cli.demo.reconcile import Ends, Row, reconcile
from services.cli.demo.rest import Rest
from services.cli.demo.show import Count, Show
from services.cli.demo.stack import Stack
from services.cli.demo.story import Story
from services.cli.demo.twilio import Twilio
from services.contract.topics import INBOUND, STATUS
from services.runtime.config import Settings

_WATCH_S = 0.2


@dataclass(frozen=True)
class Outcome:
    """What a round came to: the rows, some rates by name, and a MessageSid to look at."""

    rows: tuple[Row, ...]
    rates: Mapping[str, str]
    example: str | None

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

    async def run(self, stack: Stack) -> Outcome:
        """Raises DemoError as soon as a service ends by itself."""
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
        settings, story, show = self._settings, self._story, self._show
        twilio = Twilio(settings.twilio.api, session)
        with show.step("the story", f"{len(story.commands):,} commands, {len(story.replies):,} replies"):
            await play(story, settings.kafka, twilio, self._played)
        with show.step("until nothing moves", "Twilio, the sender's rows, the log, the folds"):
            still = await Rest(settings, reader, twilio, session).wait(60 + len(story.commands) / 10)
        with show.step("reading both ends", "every record, every webhook, every message's row"):
            side = await twilio.seen()
            answers = await ask_all(session, settings.processor.url, [message.sid for message in side.created])
            compared = reconcile(Ends(story.commands, side, reader.log, answers))
        rest = Row("everything came to rest", 1, int(still is None), (still,) if still else ())
        median, late = rates.produced_to_sent_s(reader.log)
        told = {
            "command → sent": f"p50 {median:.2f} s, p95 {late:.2f} s",
            "webhooks acknowledged": f"{rates.webhooks_per_second(side.posted):,.0f}/s",
            "records on the log": f"{len(reader.log.entries):,}",
        }
        return Outcome((rest, *compared), told, side.created[0].sid if side.created else None)

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
        story, log = self._story, reader.log
        to_send = sum(command.step == "sent" for command in story.commands)
        replies = len(story.replies) + sum(reply.again for reply in story.replies)
        return {
            "commands produced": Count(self._played.produced, len(story.produced)),
            "commands with their result": Count(len(log.terminal), len(story.commands)),
            "messages sent": Count(len(log.sent), to_send),
            "status callbacks logged": Count(log.count[STATUS.name]),
            "inbound messages logged": Count(log.count[INBOUND.name], replies),
        }
