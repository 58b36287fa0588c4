"""What each contact of a partition waits for: its turn in a lane, a time, or to be read from its lane's backlog.

A contact waits under the first of its commands. Only when its turn comes is the row read; what waits in memory is a
name, and not many of them.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.domain.clock import seconds_between
from services.domain.outbox.entry import Entry, is_open, order_key_of
from services.runtime.clock import now
from services.runtime.folding.partition import Partition
from services.sender.account import AccountAt
from services.sender.backlog import Backlog, Backlogs
from services.sender.lanes import LaneName, Routes
from services.sender.paces import Pace
from services.sender.schedule import Next, next_of
from services.sender.survey import place_of
from services.sender.tables import OUTBOX
from services.sender.tasks import tell

logger = logging.getLogger(__name__)

# A wait is looked at again after so long: the clock may have been set. And what failed, for a defect of ours.
LOOK_AGAIN_S = 5.0
# Of a backlog's room, what follows what was in memory may take; else it would have to be read again.
_WHAT_FOLLOWS = 2.0


@dataclass(eq=False, slots=True)
class Turn:
    """A contact's turn to have its first command sent. `units`: what it counts in rates. `wanted`: whether it still
    stands when it comes; a contact may wait for something else by then."""

    contacts: "Contacts"
    contact: str
    row: str
    lane: LaneName
    backlog: Backlog
    units: int = 1
    wanted: bool = True
    # What its units were taken from.
    paces: Sequence[Pace] = ()


class Contacts:
    """Of one partition. `push`: gives a turn its place in its lane. `holds_up_s`: for how long a call of a product
    without a known end holds up others.

    `queued`: whose turn stands in a lane; `under_way`: whose has begun; `alone`: those of both that have no other
    command, so that nobody need look for what comes after it; `later`: those whose first command waits for a time, for
    attempts were made for them in the last minute. `standing`: by row, the turns in lanes; also those that their
    contact does not wait for any more. `open`: its commands that are not settled.
    """

    def __init__(
        self,
        partition: Partition,
        routes: Routes,
        holds_up_s: Callable[[str], float],
        push: Callable[[Turn], None],
    ) -> None:
        self.partition = partition
        self.backlogs = Backlogs(partition, self._listed)
        self.queued: dict[str, Turn] = {}
        self.under_way: set[str] = set()
        self.alone: set[str] = set()
        self.later: dict[str, asyncio.TimerHandle] = {}
        self.standing: dict[str, Turn] = {}
        self.open = 0
        self._routes = routes
        self._holds_up_s = holds_up_s
        self._push = push
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = False

    def changed(self, was: Mapping[str, Entry | None], rows: Mapping[str, Entry | None]) -> None:
        """Learn of new commands and of how attempts ended."""
        contacts: dict[str, None] = {}
        for row, entry in rows.items():
            before, contact = was[row], order_key_of(row)
            self.open += (entry is not None and is_open(entry)) - (before is not None and is_open(before))
            if _joins(before, entry):
                self.alone.discard(contact)
            if contact in self.under_way:
                # What comes next is looked for when its turn is over.
                continue
            if entry is None or entry.state != "pending" or not self._can_wait(entry):
                contacts[contact] = None
        for contact in contacts:
            self._enqueue(contact)

    def begin(self, turn: Turn) -> None:
        """A contact's first command is under way."""
        del self.queued[turn.contact]
        self.under_way.add(turn.contact)

    def left(self, turn: Turn) -> None:
        """A turn stands in no lane any more."""
        if self.standing.get(turn.row) is turn:
            del self.standing[turn.row]
        self.backlogs.release(turn.backlog)

    def over(self, turn: Turn) -> None:
        """Its contact's next may go."""
        if self.closed:
            return
        self.under_way.discard(turn.contact)
        entry = self.partition.read(turn.row, OUTBOX) if turn.contact in self.alone else None
        self.alone.discard(turn.contact)
        if entry is None or entry.state != "settled":
            self._enqueue(turn.contact)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Work for one of its commands, which is given a short time to end when the partition leaves."""
        if self.closed:
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(tell)

    async def close(self, grace_s: float) -> None:
        """Begin nothing more; give what is under way so many seconds to end."""
        self.closed = True
        self.backlogs.close()
        for timer in self.later.values():
            timer.cancel()
        for turn in self.queued.values():
            turn.wanted = False
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()

    def _can_wait(self, entry: Entry) -> bool:
        """Whether a command that has come may stay where it is listed: it is read, or follows, when its turn comes."""
        if entry.order_key in self.queued or entry.order_key in self.later:
            return False
        backlog = self.backlogs.of(entry)
        return backlog is None or not self.backlogs.may_prefetch(backlog, place_of(entry))

    def _listed(self, contact: str) -> None:
        """A place of a contact's command has been read in a list."""
        if contact not in self.queued and contact not in self.under_way and contact not in self.later:
            self._enqueue(contact)

    def _enqueue(self, contact: str) -> None:
        """Let a contact wait for what its first command waits for: a time, its turn, or to be read."""
        if self.closed:
            return
        try:
            self._place(contact)
        except Exception:
            # Its commands are to go all the same.
            logger.exception("a command's turn cannot be found; it is looked for again in %g s", LOOK_AGAIN_S)
            self._wait(contact, LOOK_AGAIN_S)

    def _place(self, contact: str) -> None:
        if contact in self.under_way:
            return
        if timer := self.later.pop(contact, None):
            timer.cancel()
        found = next_of(self.partition, contact, self._holds_up_s)
        until = found.not_before if found and found.not_before and found.not_before > now() else None
        queued = self.queued.get(contact)
        if queued is not None and (found is None or queued.row != found.row or until):
            # What it waited under is not its turn any more.
            queued.wanted = False
            del self.queued[contact]
            self.alone.discard(contact)
        elif queued is not None:
            return
        if until is not None:
            self._wait(contact, min(seconds_between(now(), until), LOOK_AGAIN_S))
        elif found is not None and (backlog := self.backlogs.of(found.entry)) is not None:
            self._queue(contact, found, backlog)

    def _queue(self, contact: str, found: Next, backlog: Backlog) -> None:
        place, standing = place_of(found.entry), self.standing.get(found.row)
        if found.alone:
            self.alone.add(contact)
        if standing is not None and standing.backlog is backlog:
            standing.wanted = True
            self.queued[contact] = standing
        elif self.backlogs.may_prefetch(backlog, place, _WHAT_FOLLOWS):
            self.backlogs.prefetch(backlog, place)
            turn = self._turn(contact, found, backlog)
            self.queued[contact] = self.standing[found.row] = turn
            self._push(turn)
        else:
            self.alone.discard(contact)

    def _turn(self, contact: str, found: Next, backlog: Backlog) -> Turn:
        lane, command = backlog.lane, found.entry.command
        assert command is not None
        name = LaneName(AccountAt(lane.tenant, self._routes.host(lane.kind)), lane.kind, lane.sender, lane.towards)
        return Turn(self, contact, found.row, name, backlog, self._routes.units(command))

    def _wait(self, contact: str, seconds: float) -> None:
        if timer := self.later.get(contact):
            timer.cancel()
        self.later[contact] = asyncio.get_running_loop().call_later(seconds, self._enqueue, contact)


def _joins(before: Entry | None, entry: Entry | None) -> bool:
    """Whether it stands in its key's order now, and did not before."""
    stood = before is not None and before.state in ("pending", "attempted", "ambiguous")
    return not stood and entry is not None and entry.state == "pending"
