"""Playing: commands onto their topics, people's messages by way of the simulated Twilio, chapters act by act."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiolimiter import AsyncLimiter

from services.contract.messages import SESSIONS
from services.contract.studio import EXECUTIONS
from services.demo.log import Log
from services.demo.rest import Rest
from services.demo.script import Act, Chapter, Command, MoveClock, Produce, Reply, Steer, Watch, Write
from services.demo.settings import ACCOUNTS
from services.demo.story import Story
from services.demo.twilio import Execution, Twilio
from services.operations.studio.watching import say, statement
from services.runtime.clock import Clock
from services.runtime.sections.kafka import KafkaSettings

# Below what the senders may send, so that a command waits for the pipeline and not for its turn.
_COMMANDS_PER_SECOND = 150
_PEOPLE = 16
_LOOK_S = 0.05
_PATIENCE_S = 30.0
# Every service looks at the clock's file this often, and a little more.
_CLOCK_SEEN_S = 0.2


@dataclass
class Played:
    """How much has been played: records acknowledged by Kafka, replies posted by Twilio."""

    produced: int = 0
    replies: int = 0


@dataclass(frozen=True)
class Player:
    """Plays to Kafka and Twilio, keeping count in `played`. `faults`: Twilio's, as configured."""

    kafka: KafkaSettings
    producer: AIOKafkaProducer
    twilio: Twilio
    log: Log
    rest: Rest
    faults: Mapping[str, Any]
    clock: Clock
    played: Played

    async def story(self, story: Story) -> None:
        """All of it, until each command has its result."""
        await self._write(story.first)
        await asyncio.gather(self._produce(story.produced), self._write(story.replies))
        # Some of them wait out a Retry-After.
        await self._await_results(story.commands, _PATIENCE_S + len(story.commands) / 20)

    async def chapter(self, chapter: Chapter) -> None:
        """Act by act. What does not happen in time is left to the comparison to tell."""
        for act in chapter.acts:
            await self._act(act)

    async def _act(self, act: Act) -> None:
        match act:
            case Write():
                await self._write(act.replies)
            case Produce():
                await self._produce(act.commands)
                await self._await_results(act.commands, _PATIENCE_S)
            case Steer():
                await self.twilio.steer(act.route, self.faults if act.request is None else act.request)
            case Watch():
                await self._watch(act)
            case MoveClock():
                await self._move_clock(act.ahead_s)

    async def _produce(self, commands: tuple[Command, ...]) -> None:
        limiter, acks = AsyncLimiter(_COMMANDS_PER_SECOND / 10, 0.1), []

        def acknowledged(_: object) -> None:
            self.played.produced += 1

        for command in commands:
            await limiter.acquire()
            # Commands are accepted by their records' time, which is the demo's.
            sending = self.producer.send(
                command.topic, key=command.key, value=command.value, timestamp_ms=self.clock.milliseconds()
            )
            acks.append(await sending)
            acks[-1].add_done_callback(acknowledged)
        await asyncio.gather(*acks)

    async def _write(self, replies: tuple[Reply, ...]) -> None:
        people = asyncio.Semaphore(_PEOPLE)

        async def one(reply: Reply) -> None:
            async with people:
                await self.twilio.receive(reply)
                self.played.replies += 1

        await asyncio.gather(*(one(reply) for reply in replies))

    async def _watch(self, flow: Watch) -> None:
        said = statement(flow.tenant, ACCOUNTS[flow.tenant], flow.flow_sid, True, "the demo")
        await say(self.kafka, said)

    async def _move_clock(self, ahead_s: float) -> None:
        # What is under way would be late at once: its attempts, and whatever holds for some minutes only.
        await self.rest.wait(_PATIENCE_S)
        await self.twilio.steer("clock", {"ahead_s": ahead_s})
        await asyncio.sleep(_CLOCK_SEEN_S)
        walked = await self.twilio.executions()
        await _until(
            lambda: not windows_past(self.log, time.time() + ahead_s) and not unread(self.log, walked), _PATIENCE_S
        )

    async def _await_results(self, commands: Iterable[Command], patience_s: float) -> None:
        wanted = {command.command_id for command in commands}
        await _until(lambda: wanted <= self.log.terminal, patience_s)


def windows_past(log: Log, moment: float) -> int:
    """How many WhatsApp windows are told to be open past their end, at this moment (seconds since 1970)."""
    last = {entry.key: entry.event["windows"] for entry in log.of(SESSIONS)}
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return sum(until[: len(now)] < now for windows in last.values() for until in windows.values())


def unread(log: Log, walked: Iterable[Execution]) -> int:
    """Of how many executions the log does not know yet how far they have come."""
    read = {entry.event["execution_sid"]: entry.event for entry in log.of(EXECUTIONS)}
    return sum(
        one.sid not in read
        or len(read[one.sid]["steps"]) < len(one.steps)
        or (one.status == "ended" and read[one.sid]["status"] == "active")
        for one in walked
    )


async def _until(holds: Callable[[], bool], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(_LOOK_S)
