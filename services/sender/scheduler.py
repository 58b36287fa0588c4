"""When each command goes: a lane for each sender, the lanes in fair rounds, over all of them the slots.

A contact waits in a lane under the first of its commands. Only when its turn comes is the row read; what waits in
memory is a name, and not many of them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple

from prometheus_client import Gauge

from services.domain.clock import seconds_between
from services.domain.outbox.accepted import Accepted
from services.domain.outbox.entry import Entry, is_open, order_key_of
from services.domain.outbox.facts import Attempted, Unknown
from services.domain.outbox.lists import DEFERRED, IN_A_LANE, IN_DOUBT
from services.runtime.clock import now
from services.runtime.folding.partition import Flush, Partition
from services.runtime.folding.runner import Listener
from services.sender.account import AccountAt
from services.sender.dispatcher import Dispatcher, tell
from services.sender.lanes import LaneName, Turn
from services.sender.metrics import SENDER
from services.sender.paces import Pace, RateLimit
from services.sender.schedule import Next, next_of
from services.sender.shelves import Shelf, Shelves, place_of
from services.sender.slots import Slots
from services.sender.stops import Stops
from services.sender.tables import OUTBOX

logger = logging.getLogger(__name__)

# Open rows listed, before others have the event loop.
_AT_ONCE = 2000
# A wait is looked at again after so long: the clock may have been set. And what failed, for a defect of ours.
_LOOK_AGAIN_S = 5.0
# Of a shelf's room, what follows what was in memory may take; else it would have to be read again.
_WHAT_FOLLOWS = 2.0

OPEN = Gauge("switchboard_open_commands", "Commands accepted and not settled, of the partitions owned", registry=SENDER)


class _Owned:
    """A partition's commands. `queued`: the contacts whose turn stands in a lane; `under_way`: whose has begun.
    `alone`: those of both that have no other command, so that nobody need look for what comes after it.

    `later`: those whose first command waits for a time; attempts were made for them in the last minute.
    """

    def __init__(self, partition: Partition, offer: Callable[[Partition, str], None]) -> None:
        self.shelves = Shelves(partition, lambda contact: offer(partition, contact))
        self.queued: dict[str, Turn] = {}
        self.under_way: set[str] = set()
        self.alone: set[str] = set()
        self.later: dict[str, asyncio.TimerHandle] = {}
        # By row, what stands in a lane; also what its contact does not wait for any more.
        self.standing: dict[str, Turn] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.open = 0


class Times(NamedTuple):
    """Seconds: how long a partition that leaves waits for its calls, and how long an ambiguous one of a product, by its
    kind, holds up others."""

    grace_s: float
    holds_up_s: Callable[[str], float]


class Routes(NamedTuple):
    """Where a product's commands go, by its kind; the rate limits of a lane, for so many partitions owned; and what a
    command counts in them."""

    host: Callable[[str], str]
    limits: Callable[[LaneName, int], Iterable[RateLimit]]
    units: Callable[[Accepted], int] = lambda _: 1


class Scheduler(Listener):
    """Works from the rows of the partitions it owns. `attempt` carries a command one attempt further, and says whether
    there was one: what was only judged counts in no rate."""

    def __init__(
        self,
        attempt: Callable[[Partition, Entry], Awaitable[bool]],
        routes: Routes,
        slots: Slots,
        stops: Stops,
        times: Times,
    ) -> None:
        self._attempt = attempt
        self._routes = routes
        self._stops = stops
        self._slots = slots
        self._times = times
        self._owned: dict[Partition, _Owned] = {}
        self._dispatcher = Dispatcher(
            slots,
            lambda lane: routes.limits(lane, len(self._owned)),
            wanted=self._wanted,
            begin=self._begin,
            drop=self._drop,
        )
        self._dispatcher.stopped = stops.stopped
        stops.changed = self._dispatcher.look_again

    def rows_open(self) -> int:
        return sum(owned.open for owned in self._owned.values())

    def rates_changed(self) -> None:
        """By the settings, or by the partitions owned."""
        self._dispatcher.rates_changed()

    async def taken(self, partition: Partition) -> None:
        """Go on with what is pending; an attempt without an end is ambiguous."""
        owned = self._owned[partition] = _Owned(partition, self._listed)
        self.rates_changed()
        moment = now()
        for name in (IN_DOUBT, IN_A_LANE, DEFERRED):
            after = None
            while found := partition.listed(OUTBOX, name, after, _AT_ONCE):
                after = found[-1]
                if name != IN_DOUBT:
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
        await owned.shelves.survey()
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
            if _joins(before, entry):
                owned.alone.discard(order_key_of(row))
            if entry is None or entry.state != "pending" or not self._can_wait(owned, entry):
                contacts[order_key_of(row)] = None
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
        for timer in owned.later.values():
            timer.cancel()
        if owned.tasks:
            _, late = await asyncio.wait(owned.tasks, timeout=self._times.grace_s)
            for task in late:
                task.cancel()
        OPEN.set(self.rows_open())

    def _can_wait(self, owned: _Owned, entry: Entry) -> bool:
        """Whether a command that has come may stay where it is listed: it is read, or follows, when its turn comes."""
        if entry.order_key in owned.under_way:
            return True
        if entry.order_key in owned.queued or entry.order_key in owned.later:
            return False
        shelf = owned.shelves.of(entry)
        return shelf is None or not owned.shelves.may_hold(shelf, place_of(entry))

    def _listed(self, partition: Partition, contact: str) -> None:
        """A place of a contact's command has been read in a list."""
        owned = self._owned.get(partition)
        known = owned and (contact in owned.queued or contact in owned.under_way or contact in owned.later)
        if not known:
            self._offer(partition, contact)

    def _offer(self, partition: Partition, contact: str) -> None:
        """Let a contact wait for what its first command waits for: a time, its turn, or to be read."""
        try:
            self._place(partition, contact)
        except Exception:
            # Its commands are to go all the same.
            logger.exception("a command's turn cannot be found; it is looked for again in %g s", _LOOK_AGAIN_S)
            if owned := self._owned.get(partition):
                self._wait(owned, partition, contact, _LOOK_AGAIN_S)

    def _place(self, partition: Partition, contact: str) -> None:
        owned = self._owned.get(partition)
        if owned is None or contact in owned.under_way:
            return
        if timer := owned.later.pop(contact, None):
            timer.cancel()
        found, moment = next_of(partition, contact, self._times.holds_up_s), now()
        until = found.not_before if found and found.not_before and found.not_before > moment else None
        queued = owned.queued.get(contact)
        if queued is not None and (found is None or queued.row != found.row or until):
            # What it waited under is not its turn any more.
            del owned.queued[contact]
            owned.alone.discard(contact)
        elif queued is not None:
            return
        if until is not None:
            self._wait(owned, partition, contact, min(seconds_between(moment, until), _LOOK_AGAIN_S))
        elif found is not None and (shelf := owned.shelves.of(found.entry)) is not None:
            self._queue(owned, partition, contact, found, shelf)

    def _queue(self, owned: _Owned, partition: Partition, contact: str, found: Next, shelf: Shelf) -> None:
        place, standing = place_of(found.entry), owned.standing.get(found.row)
        if found.alone:
            owned.alone.add(contact)
        if standing is not None and standing.shelf is shelf:
            owned.queued[contact] = standing
        elif owned.shelves.may_hold(shelf, place, _WHAT_FOLLOWS):
            owned.shelves.hold(shelf, place)
            command = found.entry.command
            assert command is not None
            turn = Turn(partition, contact, found.row, shelf, self._routes.units(command))
            owned.queued[contact] = owned.standing[found.row] = turn
            self._dispatcher.push(self._lane(shelf), turn, shelf.lane.urgent)
        else:
            owned.alone.discard(contact)

    def _lane(self, shelf: Shelf) -> LaneName:
        lane = shelf.lane
        return LaneName(AccountAt(lane.tenant, self._routes.host(lane.kind)), lane.kind, lane.sender, lane.towards)

    def _wait(self, owned: _Owned, partition: Partition, contact: str, seconds: float) -> None:
        if timer := owned.later.get(contact):
            timer.cancel()
        owned.later[contact] = asyncio.get_running_loop().call_later(seconds, self._offer, partition, contact)

    def _wanted(self, turn: Turn) -> bool:
        owned = self._owned.get(turn.partition)
        return owned is not None and owned.queued.get(turn.contact) is turn

    def _drop(self, turn: Turn) -> None:
        """It is in no lane any more."""
        if owned := self._owned.get(turn.partition):
            if owned.standing.get(turn.row) is turn:
                del owned.standing[turn.row]
            owned.shelves.took(turn.shelf)

    def _begin(self, turn: Turn, paces: Sequence[Pace]) -> None:
        owned = self._owned[turn.partition]
        del owned.queued[turn.contact]
        owned.under_way.add(turn.contact)
        self._stops.begin(turn.row, self._lane(turn.shelf))
        # First of all: once it runs, its slot is given back whatever happens.
        self._spawn(turn.partition, self._take_turn(turn, paces))
        self._drop(turn)

    async def _take_turn(self, turn: Turn, paces: Sequence[Pace]) -> None:
        came_through = False
        try:
            entry = turn.partition.read(turn.row, OUTBOX)
            pending = entry is not None and entry.state == "pending"
            if not (pending and await self._attempt(turn.partition, entry)):
                for pace in paces:
                    pace.give_back(turn.units)
            came_through = True
        finally:
            self._slots.over(turn.row)
            self._stops.over(turn.row)
            if came_through:
                self._over(turn)
            else:
                # At once it would fail again, and again.
                asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._failed, turn)

    def _over(self, turn: Turn) -> None:
        """Its contact's next may go."""
        owned = self._owned.get(turn.partition)
        if owned is None:
            return
        owned.under_way.discard(turn.contact)
        entry = turn.partition.read(turn.row, OUTBOX) if turn.contact in owned.alone else None
        owned.alone.discard(turn.contact)
        if entry is None or entry.state != "settled":
            self._offer(turn.partition, turn.contact)

    def _failed(self, turn: Turn) -> None:
        """A turn ended by a defect of ours: what came of it is told as after a restart."""
        entry = turn.partition.read(turn.row, OUTBOX) if turn.partition in self._owned else None
        if entry is not None and entry.state == "attempted":
            self._spawn(turn.partition, _interrupted(turn.partition, entry, now()))
        self._over(turn)

    def _spawn(self, partition: Partition, work: Coroutine[Any, Any, None]) -> None:
        owned = self._owned.get(partition)
        if owned is None:
            work.close()
            return
        task = asyncio.create_task(work)
        owned.tasks.add(task)
        task.add_done_callback(owned.tasks.discard)
        task.add_done_callback(tell)


def _joins(before: Entry | None, entry: Entry | None) -> bool:
    """Whether it stands in its key's order now, and did not before."""
    stood = before is not None and before.state in ("pending", "attempted", "ambiguous")
    return not stood and entry is not None and entry.state == "pending"


async def _interrupted(partition: Partition, entry: Entry, at: str) -> None:
    outcome = Unknown(reason="the worker that made the call went away before it knew the end")
    await partition.submit(
        Attempted(order_key=entry.order_key, command_id=entry.command_id, at=at, attempt=entry.attempt, outcome=outcome)
    )
