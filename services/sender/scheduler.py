"""When each command goes: per sender a lane with its rate, over all lanes a bound on what is under way.

A wait in one lane holds up no other. The bound is handed out first come, first served, one command per lane at a
time, so that a tenant with a million commands waiting delays nobody else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any, NamedTuple

from aiolimiter import AsyncLimiter
from prometheus_client import Gauge

from services.domain.clock import seconds_between
from services.domain.messages.outbox import Attempted, Entry, Forgotten, Unknown
from services.runtime.clock import now
from services.runtime.folding.partition import Flush, Partition
from services.runtime.folding.runner import Listener
from services.sender.forget import MOST, due, forget, reading, submit
from services.sender.schedule import Schedule

logger = logging.getLogger(__name__)

_IDLE_LANE_S = 60.0
_SWEEP_S = 3600.0
# Twice what may be at Twilio: attempts are being committed while others are called.
_AHEAD = 2

OPEN = Gauge("switchboard_open_commands", "Commands accepted and not settled, of the partitions owned")


class _Turn(NamedTuple):
    later: bool
    number: int
    partition: Partition
    entry: Entry


class Scheduler(Listener):
    """Works from the rows of the partitions it owns. `attempt` carries a command one attempt further."""

    def __init__(
        self,
        attempt: Callable[[Partition, Entry], Awaitable[None]],
        rate: Callable[[str, int], float],
        concurrency: int,
        grace_s: float,
    ) -> None:
        self._attempt = attempt
        self._rate = rate
        self._slots = asyncio.Semaphore(_AHEAD * concurrency)
        self._grace_s = grace_s
        self._schedules: dict[Partition, Schedule] = {}
        self._tasks: dict[Partition, set[asyncio.Task[None]]] = {}
        self._lanes: dict[tuple[str, str], asyncio.PriorityQueue[_Turn]] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._turns = 0

    def rows_open(self) -> int:
        return sum(len(schedule) for schedule in self._schedules.values())

    async def taken(self, partition: Partition) -> None:
        """Read the partition's rows: go on with what is pending; an attempt without an end is ambiguous."""
        schedule = self._schedules[partition] = Schedule()
        self._tasks[partition] = set()
        owned, moment = self._owned(partition), now()
        old: list[Forgotten] = []
        async with aclosing(reading(partition, owned)) as rows:
            async for entry in rows:
                if entry.state == "attempted":
                    self._spawn(partition, _interrupted(partition, entry, moment))
                elif (event := due(entry, moment)) is None:
                    schedule.note(entry)
                elif len(old) < MOST:
                    old.append(event)
        self._spawn(partition, submit(partition, old, owned))
        for contact in schedule.contacts():
            self._offer(partition, contact)

    async def flushed(self, partition: Partition, flush: Flush) -> None:
        """Learn of new commands and of how attempts ended."""
        schedule = self._schedules.get(partition)
        if schedule is None:
            return
        for entry in flush.rows.values():
            if entry is not None:
                schedule.note(entry)
        for contact in {entry.contact for entry in flush.rows.values() if entry is not None}:
            self._offer(partition, contact)
        OPEN.set(self.rows_open())

    async def leaving(self, partition: Partition) -> None:
        """Begin nothing more; give what is under way a short time to end, so that its end is on the log."""
        self._schedules.pop(partition, None)
        tasks = self._tasks.pop(partition, set())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._grace_s)
            for task in late:
                task.cancel()
        OPEN.set(self.rows_open())

    async def sweep(self) -> None:
        """Forget, once an hour, what has been settled for long enough. Runs until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            for partition in list(self._schedules):
                # Work of the partition's own: who takes it away waits until nothing reads it any more.
                self._spawn(partition, forget(partition, now(), self._owned(partition)))

    def _owned(self, partition: Partition) -> Callable[[], bool]:
        return lambda: partition in self._schedules

    def _offer(self, partition: Partition, contact: str) -> None:
        schedule = self._schedules.get(partition)
        row = schedule.next(contact) if schedule else None
        if row is None:
            return
        entry = partition.read(row)
        if entry is None or entry.command is None:
            self._over(partition, contact)
            return
        delay = seconds_between(now(), entry.not_before) if entry.not_before else 0.0
        asyncio.get_running_loop().call_later(max(0.0, delay), self._queue, partition, entry)

    def _queue(self, partition: Partition, entry: Entry) -> None:
        if entry.command is None or partition not in self._schedules:
            return
        self._turns += 1
        lane = self._lane(entry.tenant, entry.command.sender)
        lane.put_nowait(_Turn(not entry.command.urgent, self._turns, partition, entry))

    def _lane(self, tenant: str, sender: str) -> "asyncio.PriorityQueue[_Turn]":
        lane = self._lanes.get((tenant, sender))
        if lane is None:
            lane = self._lanes[tenant, sender] = asyncio.PriorityQueue()
            task = asyncio.create_task(self._serve(tenant, sender, lane), name=f"lane-{tenant}")
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
            task.add_done_callback(tell)
        return lane

    async def _serve(self, tenant: str, sender: str, lane: "asyncio.PriorityQueue[_Turn]") -> None:
        limiter, share = None, 0.0
        while True:
            try:
                turn = await asyncio.wait_for(lane.get(), _IDLE_LANE_S)
            except TimeoutError:
                if lane.empty():
                    del self._lanes[tenant, sender]
                    return
                continue
            current = self._rate(tenant, len(self._schedules))
            if limiter is None or share != current:
                # The sender's rate is shared by those who own its partitions, so it changes with them.
                share = current
                limiter = AsyncLimiter(max(1.0, share), max(1.0, share) / share)
            await limiter.acquire()
            await self._slots.acquire()
            if turn.partition not in self._schedules:
                self._slots.release()
                continue
            self._spawn(turn.partition, self._take_turn(turn))

    async def _take_turn(self, turn: _Turn) -> None:
        try:
            await self._attempt(turn.partition, turn.entry)
        finally:
            self._slots.release()
            self._over(turn.partition, turn.entry.contact)

    def _over(self, partition: Partition, contact: str) -> None:
        schedule = self._schedules.get(partition)
        if schedule is not None:
            schedule.done(contact)
            self._offer(partition, contact)

    def _spawn(self, partition: Partition, work: Coroutine[Any, Any, None]) -> None:
        tasks = self._tasks.get(partition)
        if tasks is None:
            work.close()
            return
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(tell)


async def _interrupted(partition: Partition, entry: Entry, at: str) -> None:
    outcome = Unknown(reason="the worker that made the call went away before it knew the end")
    await partition.submit(
        Attempted(contact=entry.contact, command_id=entry.command_id, at=at, attempt=entry.attempt, outcome=outcome)
    )


def tell(task: "asyncio.Task[None]") -> None:
    """Log what a task of the sender's own failed with: nobody awaits it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("work of the sender's failed: %r", error, exc_info=error)
