"""When each command goes: a lane for each sender, the lanes in fair rounds, over all of them the slots.

A contact waits in a lane under the first of its commands. Only when its turn comes is the row read; what waits in
memory is a name, and not many of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from prometheus_client import Gauge

from services.domain.messages.outbox import IN_A_LANE, IN_DOUBT, Attempted, Entry, Unknown, contact_of, is_open
from services.runtime.clock import now
from services.runtime.folding.partition import Flush, Partition
from services.runtime.folding.runner import Listener
from services.sender.dispatcher import Dispatcher, tell
from services.sender.lanes import Turn
from services.sender.schedule import next_of
from services.sender.shelves import Shelves, place_of
from services.sender.slots import Slots
from services.sender.topology import OUTBOX

# Open rows listed, before others have the event loop.
_AT_ONCE = 2000
# A turn that failed, for a defect of ours, is not given again before.
_AFTER_FAILURE_S = 5.0

OPEN = Gauge("switchboard_open_commands", "Commands accepted and not settled, of the partitions owned")


class _Owned:
    """A partition's commands. `queued`: the contacts whose turn stands in a lane; `under_way`: whose has begun."""

    def __init__(self, partition: Partition, offer: Callable[[Partition, str], None]) -> None:
        self.shelves = Shelves(partition, lambda contact: offer(partition, contact))
        self.queued: dict[str, Turn] = {}
        self.under_way: set[str] = set()
        # By row, what stands in a lane; also what its contact does not wait for any more.
        self.standing: dict[str, Turn] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.open = 0


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
            slots,
            lambda tenant: rate(tenant, len(self._owned)),
            wanted=self._wanted,
            begin=self._begin,
            drop=self._drop,
        )

    def rows_open(self) -> int:
        return sum(owned.open for owned in self._owned.values())

    async def taken(self, partition: Partition) -> None:
        """Go on with what is pending; an attempt without an end is ambiguous."""
        owned = self._owned[partition] = _Owned(partition, self._offer)
        moment = now()
        for name in (IN_DOUBT, IN_A_LANE):
            after = None
            while found := partition.listed(OUTBOX, name, after, _AT_ONCE):
                after = found[-1]
                if name == IN_A_LANE:
                    owned.open += len(found)
                else:
                    for _, row in found:
                        entry = partition.read(row, OUTBOX)
                        if entry is not None and entry.state == "attempted":
                            owned.open += 1
                            self._spawn(partition, _interrupted(partition, entry, moment))
                await asyncio.sleep(0)
                if self._owned.get(partition) is not owned:
                    return
        owned.shelves.survey()
        OPEN.set(self.rows_open())

    async def flushed(self, partition: Partition, flush: Flush) -> None:
        """Learn of new commands and of how attempts ended."""
        owned = self._owned.get(partition)
        rows = flush.rows.get(OUTBOX)
        if owned is None or not rows:
            return
        was = flush.was[OUTBOX]
        contacts: dict[str, None] = {}
        for row, entry in rows.items():
            before = was[row]
            owned.open += (entry is not None and is_open(entry)) - (before is not None and is_open(before))
            if entry is None or entry.state != "pending" or not self._can_wait(owned, entry):
                contacts[contact_of(row)] = None
        for contact in contacts:
            self._offer(partition, contact)
        OPEN.set(self.rows_open())

    async def leaving(self, partition: Partition) -> None:
        """Begin nothing more; give what is under way a short time to end, so that its end is on the log."""
        owned = self._owned.pop(partition, None)
        if owned is None:
            return
        # Nothing more comes off the log, so who waits to have read it need not be waited for.
        partition.progress.close()
        owned.shelves.close()
        if owned.tasks:
            _, late = await asyncio.wait(owned.tasks, timeout=self._grace_s)
            for task in late:
                task.cancel()
        OPEN.set(self.rows_open())

    def _can_wait(self, owned: _Owned, entry: Entry) -> bool:
        """Leave a command where it is listed, if nothing of its contact is in memory and others come before it."""
        if entry.contact in owned.queued:
            return False
        shelf = owned.shelves.of(entry)
        if shelf is None:
            return True
        place = place_of(entry)
        if shelf.is_next(place) and shelf.held < owned.shelves.room(shelf):
            return False
        shelf.leave(place, entry.not_before or "")
        owned.shelves.want(shelf)
        return True

    def _offer(self, partition: Partition, contact: str) -> None:
        """Let a contact wait for what its first command waits for: its turn, room in memory, or a time."""
        owned = self._owned.get(partition)
        if owned is None or contact in owned.under_way:
            return
        found = next_of(partition, contact, self._ambiguous_wait_s)
        queued = owned.queued.get(contact)
        waits = found is not None and found.not_before is not None and found.not_before > now()
        if queued is not None and (found is None or queued.row != found.row or waits):
            # What it waited under is not its turn any more.
            del owned.queued[contact]
        elif queued is not None:
            return
        if found is None or (shelf := owned.shelves.of(found.entry)) is None:
            return
        place = place_of(found.entry)
        if waits:
            shelf.leave(place, found.not_before or "")
        elif standing := owned.standing.get(found.row):
            owned.queued[contact] = standing
        elif shelf.is_next(place) and shelf.held < owned.shelves.room(shelf):
            shelf.hold(place)
            turn = owned.queued[contact] = owned.standing[found.row] = Turn(partition, contact, found.row, shelf)
            self._dispatcher.push((shelf.tenant, shelf.sender), turn, shelf.urgent)
        else:
            shelf.leave(place)
        owned.shelves.want(shelf)

    def _wanted(self, turn: Turn) -> bool:
        owned = self._owned.get(turn.partition)
        return owned is not None and owned.queued.get(turn.contact) is turn

    def _drop(self, turn: Turn) -> None:
        """It is in no lane any more."""
        if owned := self._owned.get(turn.partition):
            del owned.standing[turn.row]
            owned.shelves.took(turn.shelf)

    def _begin(self, turn: Turn) -> None:
        owned = self._owned[turn.partition]
        del owned.queued[turn.contact]
        owned.under_way.add(turn.contact)
        self._drop(turn)
        self._spawn(turn.partition, self._take_turn(turn))

    async def _take_turn(self, turn: Turn) -> None:
        came_through = False
        try:
            entry = turn.partition.read(turn.row, OUTBOX)
            if entry is not None and entry.state == "pending":
                await self._attempt(turn.partition, entry)
            came_through = True
        finally:
            self._slots.over(turn.row)
            if came_through:
                self._over(turn)
            else:
                # At once it would fail again, and again.
                asyncio.get_running_loop().call_later(_AFTER_FAILURE_S, self._over, turn)

    def _over(self, turn: Turn) -> None:
        """Its contact's next may go."""
        if owned := self._owned.get(turn.partition):
            owned.under_way.discard(turn.contact)
            self._offer(turn.partition, turn.contact)

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
