"""Waiting until nothing moves any more, with the one thing that only people can do: settling what stays ambiguous."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.contract.topics import PROCESSOR_APP, SENDER_APP
from services.runtime.kafka import client_options
from tests.faults.follower import Follower
from tests.faults.house import House
from tests.faults.load import MESSAGES, Load

_LOOK_S = 0.5
# Callbacks come within seconds; what they did not settle by then, a person does.
_PERSON_AFTER_S = 8.0
_FOLDED_BY = {
    PROCESSOR_APP: ("status", "sent", "outbound.results", "inbound", "outbound.accepted", "outcomes"),
    SENDER_APP: ("outbound.messages", "consent.commands", "outbound.accepted", "outcomes", "inbound"),
}


class Rest:
    """Asks Twilio, the senders and the broker."""

    def __init__(self, house: House, load: Load, follower: Follower) -> None:
        self._house = house
        self._load = load
        self._follower = follower
        self._resolved: set[str] = set()

    async def wait(self, deadline_s: float) -> str | None:
        """None once nothing moves; after `deadline_s` seconds, what still did."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        still, before = "not asked yet", None
        async with AIOKafkaConsumer(**client_options(self._house.kafka), enable_auto_commit=False) as ends:
            while loop.time() - began < deadline_s:
                if loop.time() - began > _PERSON_AFTER_S:
                    await self._settle()
                try:
                    moving, found = await self._moving(ends)
                except (KafkaError, aiohttp.ClientError, TimeoutError) as error:
                    moving, found = f"cannot be asked: {error!r}", None
                if moving is None and found == before:
                    return None
                still, before = moving or "the log still grows", found
                await asyncio.sleep(_LOOK_S)
        return still

    async def _moving(self, consumer: AIOKafkaConsumer) -> tuple[str | None, object]:
        if not (await self._house.twilio("GET", "quiet"))["quiet"]:
            return "Twilio has webhooks to post", None
        for sender in self._house.of("sender"):
            told = await sender.ready(self._house.session)
            if told is None or told["open_commands"]:
                return f"{sender.name} has {told and told['open_commands']} open commands", None
        tops = {app: [f"twilio.{name}.v1" for name in names] for app, names in _FOLDED_BY.items()}
        everywhere = [
            TopicPartition(name, number)
            for name in {name for names in tops.values() for name in names}
            for number in range(self._house.kafka.partitions)
        ]
        ends = await consumer.end_offsets(everywhere)
        admin = AIOKafkaAdminClient(**client_options(self._house.kafka))
        await admin.start()
        try:
            for app, names in tops.items():
                committed = await admin.list_consumer_group_offsets(app)
                for at, end in ends.items():
                    if at.topic in names and not await self._folded(consumer, at, end, committed):
                        return f"{app} has not folded {at.topic}/{at.partition} to its end {end}", None
        finally:
            await admin.close()
        return None, sorted(ends.items())

    @staticmethod
    async def _folded(consumer: AIOKafkaConsumer, at: TopicPartition, end: int, committed: Any) -> bool:
        done = committed[at].offset if at in committed else 0
        # Behind the last record of a transaction stands its marker, which nobody folds: then by position.
        return bool(done >= end or not await _holds_records(consumer, at, done, end))

    async def _settle(self) -> None:
        """Look at Twilio what became of ambiguous commands, as a person would, and say so."""
        waiting = {
            command_id: event
            for command_id, event in self._follower.ambiguous.items()
            if command_id not in self._resolved
        }
        if not waiting:
            return
        messages = (await self._house.twilio("GET", "messages"))["messages"]
        made = {_command_of(message): message["sid"] for message in messages}
        for command_id, event in waiting.items():
            sid = made.get(command_id)
            found = {"outcome": "sent", "message_sid": sid} if sid else {"outcome": "not_sent"}
            said = {
                "event_type": "resolve_ambiguous", "command_id": command_id, "tenant": event["tenant"],
                "contact": event["contact"], "by": "the fault bench", **found,
            }  # fmt: skip
            await self._load.say(MESSAGES, json.dumps(said).encode(), command_id)
            self._resolved.add(command_id)


async def _holds_records(consumer: AIOKafkaConsumer, at: TopicPartition, start: int, end: int) -> bool:
    """Whether there is any record, of a transaction or not, from `start` up to `end`."""
    consumer.assign([at])
    consumer.seek(at, start)
    while await consumer.position(at) < end:
        if (await consumer.getmany(at, timeout_ms=500)).get(at):
            return True
    return False


def _command_of(message: dict[str, Any]) -> str:
    return parse_qs(urlsplit(message["status_callback"] or "").query).get("c", [""])[0]
