"""When each command goes: a lane for each sender, the lanes in fair rounds, over all of them the slots.

A contact waits in a lane under the first of its commands. Only when its turn comes is the row read; what waits is a
name.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from prometheus_client import Gauge

from services.domain.clock import seconds_between
from services.domain.messages.outbox import Attempted, Entry, Unknown, contact_of
from services.runtime.clock import now
from services.runtime.folding.partition import Flush, Partition
from services.runtime.folding.runner import Listener
from services.sender.dispatcher import Dispatcher, tell
from services.sender.lanes import Turn
from services.sender.schedule import Schedule
from services.sender.slots import Slots
from services.sender.topology import OUTBOX

# Open rows read, before others have the event loop.
_AT_ONCE = 500
# A wait is looked at again after so long: the clock may have been set.
_LOOK_AGAIN_S = 5.0

OPEN = Gauge("switchboard_open_commands", "Commands accepted and not settled, of the partitions owned")


class _Owned:
    """A partition's commands; `queued` are the contacts that wait in a lane, `later` those that wait for a time."""

    def __init__(self, ambiguous_wait_s: float) -> None:
        self.schedule = Schedule(ambiguous_wait_s)
        self.queued: dict[str, Turn] = {}
        self.later: dict[str, asyncio.TimerHandle] = {}
        self.tasks: set[asyncio.Task[None]] = set()


class Scheduler(Listener):
    """Works from the rows of the partitions it owns. `attempt` carries a command one attempt further.

    `rate`: messages per second of a tenant's sender, for so many partitions owned.
    """

    def __init__(
        self,
        attempt: Callable[[Partition, Entry], Awaitable[None]],
        rate: Callable[[str, int], float],
        slots: Slots,
        grace_s: float,
        ambiguous_wait_s: float,
    ) -> None:
        self._attempt = attempt
        self._slots = slots
        self._grace_s = grace_s
        self._ambiguous_wait_s = ambiguous_wait_s
        self._owned: dict[Partition, _Owned] = {}
        self._dispatcher = Dispatcher(
            slots, lambda tenant: rate(tenant, len(self._owned)), wanted=self._wanted, begin=self._begin
        )

    def rows_open(self) -> int:
        return sum(len(owned.schedule) for owned in self._owned.values())

    async def taken(self, partition: Partition) -> None:
        """Go on with what is pending; an attempt without an end is ambiguous."""
        owned = self._owned[partition] = _Owned(self._ambiguous_wait_s)
        after, moment = None, now()
        while keys := partition.opened(OUTBOX, after, _AT_ONCE):
            after = keys[-1]
            for key in keys:
                entry = partition.read(key, OUTBOX)
                if entry is not None and entry.state == "attempted":
                    owned.schedule.hold(entry, moment)
                    self._spawn(partition, _interrupted(partition, entry, moment))
                elif entry is not None:
                    owned.schedule.note(entry, moment)
            await asyncio.sleep(0)
            if self._owned.get(partition) is not owned:
                return
        for contact in owned.schedule.contacts():
            self._offer(partition, contact, moment)

    async def flushed(self, partition: Partition, flush: Flush) -> None:
        """Learn of new commands and of how attempts ended."""
        owned = self._owned.get(partition)
        rows = flush.rows.get(OUTBOX)
        if owned is None or not rows:
            return
        moment = now()
        for row, entry in rows.items():
            if entry is not None:
                owned.schedule.note(entry, moment)
            else:
                # Perhaps one that waited: too late for so long that it was settled and forgotten in this flush.
                owned.schedule.forget(contact_of(row), row)
        for contact in {contact_of(row) for row in rows}:
            self._offer(partition, contact, moment)
        OPEN.set(self.rows_open())

    async def leaving(self, partition: Partition) -> None:
        """Begin nothing more; give what is under way a short time to end, so that its end is on the log."""
        owned = self._owned.pop(partition, None)
        if owned is None:
            return
        # Nothing more comes off the log, so who waits to have read it need not be waited for.
        partition.progress.close()
        for timer in owned.later.values():
            timer.cancel()
        if owned.tasks:
            _, late = await asyncio.wait(owned.tasks, timeout=self._grace_s)
            for task in late:
                task.cancel()
        OPEN.set(self.rows_open())

    def _offer(self, partition: Partition, contact: str, moment: str | None = None) -> None:
        """Let a contact wait for what its first command waits for: a time, or its turn."""
        owned = self._owned.get(partition)
        if owned is None:
            return
        moment = moment or now()
        found = owned.schedule.first(contact, moment)
        if timer := owned.later.pop(contact, None):
            timer.cancel()
        if found is None:
            owned.queued.pop(contact, None)
        elif found.not_before is not None and found.not_before > moment:
            owned.queued.pop(contact, None)
            delay = min(seconds_between(moment, found.not_before), _LOOK_AGAIN_S)
            owned.later[contact] = asyncio.get_running_loop().call_later(delay, self._offer, partition, contact)
        elif (queued := owned.queued.get(contact)) is None or queued.row != found.waiting.row:
            # Whatever it waited under before is no longer its turn.
            turn = owned.queued[contact] = Turn(partition, contact, found.waiting.row)
            self._dispatcher.push(found.waiting.lane, turn, not found.waiting.later)

    def _wanted(self, turn: Turn) -> bool:
        owned = self._owned.get(turn.partition)
        return owned is not None and owned.queued.get(turn.contact) is turn

    def _begin(self, turn: Turn) -> None:
        owned = self._owned[turn.partition]
        del owned.queued[turn.contact]
        owned.schedule.begin(turn.contact, turn.row)
        self._spawn(turn.partition, self._take_turn(turn))

    async def _take_turn(self, turn: Turn) -> None:
        came_through = False
        try:
            entry = turn.partition.read(turn.row, OUTBOX)
            if entry is not None and entry.state == "pending":
                await self._attempt(turn.partition, entry)
            came_through = entry is None or entry.state != "attempted"
        finally:
            self._slots.over(turn.row)
            if owned := self._owned.get(turn.partition):
                owned.schedule.done(turn.contact)
                if came_through:
                    self._offer(turn.partition, turn.contact)
                else:
                    # At once it would fail again, and again.
                    owned.later[turn.contact] = asyncio.get_running_loop().call_later(
                        _LOOK_AGAIN_S, self._offer, turn.partition, turn.contact
                    )

    def _spawn(self, partition: Partition, work: Coroutine[Any, Any, None]) -> None:
        owned = self._owned.get(partition)
        if owned is None:
            work.close()
            return
        task = asyncio.create_task(work)
        owned.tasks.add(task)
        task.add_done_callback(owned.tasks.discard)
        task.add_done_callback(tell)


async def _interrupted(partition: Partition, entry: Entry, at: str) -> None:
    outcome = Unknown(reason="the worker that made the call went away before it knew the end")
    await partition.submit(
        Attempted(contact=entry.contact, command_id=entry.command_id, at=at, attempt=entry.attempt, outcome=outcome)
    )
