"""Following results, deliveries and executions as any consumer would: to see that the house works again, end to end."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.runtime.kafka import client_options
from services.runtime.sections.kafka import KafkaSettings

RESULTS, DELIVERY, EXECUTIONS = "twilio.outbound.results.v1", "twilio.delivery.v1", "twilio.executions.v1"
_LOOK_S = 0.05


class Follower:
    """What has become of commands so far: their last steps, and the messages whose delivery is told."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._task: asyncio.Task[None] | None = None
        # By key, which is tenant and command id: its terminal step and the message's sid.
        self.ended: dict[str, tuple[str, str | None]] = {}
        # Commands whose end is not known, with their last result.
        self.ambiguous: dict[str, dict[str, Any]] = {}
        self.delivered: set[str] = set()
        # By sid, of each execution the last that was told.
        self.executions: dict[str, dict[str, Any]] = {}

    async def __aenter__(self) -> "Follower":
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def until_delivered(self, keys: list[str], deadline_s: float) -> bool:
        """Wait until each was sent, and its message is told to be delivered or not."""
        return await self._until(self._is_through, keys, deadline_s)

    async def until_settled(self, keys: list[str], deadline_s: float) -> bool:
        """Wait until each has ended, or is known to be ambiguous."""
        return await self._until(lambda key: key in self.ended or key in self.ambiguous, keys, deadline_s)

    async def _until(self, done: Callable[[str], bool], keys: list[str], deadline_s: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        while not all(map(done, keys)):
            if self._task is not None and self._task.done():
                self._task.result()
            if loop.time() > deadline:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    def _is_through(self, key: str) -> bool:
        step, sid = self.ended.get(key, ("", None))
        return bool(step) and (step != "sent" or sid in self.delivered)

    async def _follow(self) -> None:
        followed = (RESULTS, DELIVERY, EXECUTIONS)
        topics = [TopicPartition(name, at) for name in followed for at in range(self._kafka.partitions)]
        async with AIOKafkaConsumer(
            **client_options(self._kafka), isolation_level="read_committed", enable_auto_commit=False
        ) as consumer:
            consumer.assign(topics)
            await consumer.seek_to_beginning(*topics)
            while True:
                try:
                    batches = await consumer.getmany(timeout_ms=100)
                except KafkaError:
                    # The broker is one of those that are broken here.
                    await asyncio.sleep(_LOOK_S)
                    continue
                for batch in batches.values():
                    for record in batch:
                        self._note(record.topic, record.key.decode(), json.loads(record.value))

    def _note(self, topic: str, key: str, event: dict[str, Any]) -> None:
        if topic == DELIVERY:
            self.delivered.add(event["message_sid"])
            return
        if topic == EXECUTIONS:
            self.executions[event["execution_sid"]] = event
            return
        if event["step"] == "ambiguous":
            self.ambiguous[key] = event
        if event["terminal"]:
            self.ended[key] = event["step"], event["message_sid"]
            self.ambiguous.pop(key, None)
