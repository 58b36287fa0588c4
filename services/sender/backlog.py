"""What waits: all of it in the table, listed by lane, and of each lane the next few in memory.

So a million commands that wait take no more memory than a thousand. A backlog is one lane's, of one urgency, in one
partition. Its cursor says how far its list has been read; it reads on when half of what it may prefetch has gone. All
that is listed up to the cursor is in memory, or follows when what its contact has in memory is over: so nothing is
forgotten.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from services.domain.outbox.entry import Entry, order_key_of
from services.domain.outbox.lists import in_lane
from services.runtime.folding.index import Listed
from services.runtime.folding.partition import Partition
from services.sender.survey import Survey
from services.sender.tables import OUTBOX

logger = logging.getLogger(__name__)

# Turns that a backlog prefetches; and each of them where those of its tenant hold so many together.
_ROOM = 256
_TOGETHER = 8192
_CROWDED_ROOM = 8
# Backlogs of a tenant: anybody may name senders. What waits for others stays in the table until one is empty.
_MOST_BACKLOGS = 2048
# Read at once, before others have the event loop. Where none of it could go, one such list is read on after a while.
_AT_ONCE = 128
_IN_VAIN_S = 0.01
# So often it is looked for lanes that have no backlog.
_LANES_S = 5.0


class ListedLane(NamedTuple):
    """As the table lists what waits: a sender of a tenant in the product of a kind, towards where, and how urgent.

    Of one product, so that what waits for its host keeps no other's commands out of memory.
    """

    tenant: str
    kind: str
    sender: str
    towards: str
    urgent: bool


class Backlog:
    """What one lane has waiting. `prefetched`: its turns in memory; `more`: there may be some beyond the cursor."""

    def __init__(self, lane: ListedLane) -> None:
        self.lane = lane
        self.prefix = in_lane(*lane)
        self.prefetched = 0
        self.cursor: Listed | None = None
        # What its list has from before it is not known.
        self.more = True

    def passed(self, place: Listed) -> bool:
        """Whether all that is listed before it has been read."""
        return not self.more or (self.cursor is not None and place <= self.cursor)

    def leave(self, place: Listed) -> None:
        """What is listed there is not in memory: it is to be read, perhaps again."""
        if self.cursor is not None and place <= self.cursor:
            self.cursor = Listed(place.name, "")
        self.more = True


class Backlogs:
    """The backlogs of one partition. `enqueue` is told each contact of which a place in a list has been read."""

    def __init__(self, partition: Partition, enqueue: Callable[[str], None]) -> None:
        self._partition = partition
        self._enqueue = enqueue
        self._backlogs: dict[ListedLane, Backlog] = {}
        self._of_tenant: Counter[str] = Counter()
        self._prefetched: Counter[str] = Counter()
        # To be read on, in this order; and those of which nothing could go that was read last.
        self._reading: dict[Backlog, None] = {}
        self._in_vain: dict[Backlog, None] = {}
        self._survey = Survey(partition, self.of)
        self._timers: dict[str, asyncio.Handle] = {}
        self._closed = False

    def of(self, entry: Entry) -> Backlog | None:
        """The backlog of a waiting command's lane; None where its tenant has too many."""
        command = entry.command
        assert command is not None
        lane = ListedLane(entry.tenant, entry.kind, command.sender, command.towards, command.urgent)
        found = self._backlogs.get(lane)
        if found is None:
            if self._of_tenant[lane.tenant] >= _MOST_BACKLOGS and not self._discard_one(lane.tenant):
                self._survey.crowded.setdefault(lane.tenant)
                self._in(_LANES_S, self._look_for_lanes)
                return None
            found = self._backlogs[lane] = Backlog(lane)
            self._of_tenant[lane.tenant] += 1
            self.want(found)
        return found

    def has_room(self, backlog: Backlog, share: float = 1.0) -> bool:
        """Whether it holds less than this share of what it may."""
        room = _ROOM if self._prefetched[backlog.lane.tenant] < _TOGETHER else _CROWDED_ROOM
        return backlog.prefetched < share * room

    def may_prefetch(self, backlog: Backlog, place: Listed, share: float = 1.0) -> bool:
        """Whether what is listed there may be in memory now; where not, it stays there and is read in its turn."""
        if backlog.passed(place):
            if self.has_room(backlog, share):
                return True
            backlog.leave(place)
        self.want(backlog)
        return False

    def prefetch(self, backlog: Backlog, place: Listed) -> None:
        """What is listed there is in memory."""
        backlog.prefetched += 1
        self._prefetched[backlog.lane.tenant] += 1
        if backlog.cursor is None or place > backlog.cursor:
            backlog.cursor = place

    def release(self, backlog: Backlog) -> None:
        """One of its turns is no longer in memory."""
        backlog.prefetched -= 1
        self._prefetched[backlog.lane.tenant] -= 1
        self.want(backlog)

    def want(self, backlog: Backlog) -> None:
        """Have its list read on, once that is worth while."""
        if backlog.more and backlog not in self._in_vain and self.has_room(backlog, 0.5):
            self._reading.setdefault(backlog)
            self._in(0.0, self._read_on)

    async def survey(self) -> None:
        """Give a backlog to every lane that has something waiting."""
        await self._survey.all()
        if self._survey.crowded:
            self._in(_LANES_S, self._look_for_lanes)

    def close(self) -> None:
        """Read nothing more."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()

    def _read_on(self) -> None:
        """Read on in the list whose turn it is."""
        backlog = next(iter(self._reading))
        fruitful = self._read(backlog)
        del self._reading[backlog]
        if fruitful:
            self.want(backlog)
        else:
            self._in_vain[backlog] = None
            self._in(_IN_VAIN_S, self._read_in_vain)
        if self._reading:
            self._in(0.0, self._read_on)

    def _read_in_vain(self) -> None:
        """The same, in one of those where nothing could go before."""
        backlog = next(iter(self._in_vain))
        over = not self.has_room(backlog, 0.5) or self._read(backlog)
        del self._in_vain[backlog]
        if over:
            self.want(backlog)
        else:
            self._in_vain[backlog] = None
        if self._in_vain:
            self._in(_IN_VAIN_S, self._read_in_vain)

    def _read(self, backlog: Backlog) -> bool:
        """Enqueue the contacts of what is listed next. False: nothing was prefetched, and there is more."""
        before = backlog.prefetched
        places = self._partition.listed(OUTBOX, backlog.prefix, backlog.cursor, _AT_ONCE)
        for place in places:
            if not self.has_room(backlog):
                return True
            backlog.cursor = place
            self._enqueue(order_key_of(place.key))
            if backlog.cursor is not place:
                return True
        backlog.more = len(places) == _AT_ONCE
        return backlog.prefetched > before or not backlog.more

    def _look_for_lanes(self) -> None:
        """Backlogs may have become free for lanes that have none."""
        self._survey.again()
        if self._survey.crowded:
            self._in(_LANES_S, self._look_for_lanes)

    def _discard_one(self, tenant: str) -> bool:
        """Make room for one more backlog of a tenant by one that is empty."""
        for lane, backlog in self._backlogs.items():
            if lane.tenant == tenant and not backlog.prefetched and not backlog.more:
                del self._backlogs[lane]
                self._of_tenant[tenant] -= 1
                return True
        return False

    def _in(self, seconds: float, do: Callable[[], None]) -> None:
        """Do this after a while, once, whoever else asks for it. Should it fail, that is told, and it is done again."""
        if do.__name__ in self._timers or self._closed:
            return

        def run() -> None:
            del self._timers[do.__name__]
            try:
                do()
            except Exception:
                logger.exception("the lists of what waits cannot be read; they are read again in %g s", _LANES_S)
                self._in(_LANES_S, do)

        self._timers[do.__name__] = asyncio.get_running_loop().call_later(seconds, run)
