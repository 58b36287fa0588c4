"""Playing the story: commands onto their topic, people's replies by way of the simulated Twilio."""

import asyncio
from dataclasses import dataclass

from aiolimiter import AsyncLimiter

from services.cli.demo.story import Command, Reply, Story
from services.cli.demo.twilio import Twilio
from services.contract.topics import MESSAGES
from services.runtime.config import KafkaSettings
from services.runtime.kafka import durable_producer

# Below what the senders may send, so that a command waits for the pipeline and not for its turn.
_COMMANDS_PER_SECOND = 150
_PEOPLE = 8


@dataclass
class Played:
    """How much of the story has been played: records acknowledged by Kafka, replies posted by Twilio."""

    produced: int = 0
    replies: int = 0


async def play(story: Story, kafka: KafkaSettings, twilio: Twilio, played: Played) -> None:
    """Play all of it, keeping count in `played`."""
    await asyncio.gather(_produce(story.produced, kafka, played), _reply(story.replies, twilio, played))


async def _produce(commands: tuple[Command, ...], kafka: KafkaSettings, played: Played) -> None:
    limiter = AsyncLimiter(_COMMANDS_PER_SECOND / 10, 0.1)
    producer = durable_producer(kafka)

    def acknowledged(_: object) -> None:
        played.produced += 1

    await producer.start()
    try:
        acks = []
        for command in commands:
            await limiter.acquire()
            acks.append(await producer.send(MESSAGES.name, key=command.key, value=command.value))
            acks[-1].add_done_callback(acknowledged)
        await asyncio.gather(*acks)
    finally:
        await producer.stop()


async def _reply(replies: tuple[Reply, ...], twilio: Twilio, played: Played) -> None:
    people = asyncio.Semaphore(_PEOPLE)

    async def one(reply: Reply) -> None:
        async with people:
            await twilio.receive(reply)
            played.replies += 1

    await asyncio.gather(*(one(reply) for reply in replies))
