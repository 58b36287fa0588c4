"""What waits: all of it in the table, listed by lane, and of each lane the next few in memory.

So a million commands that wait take no more memory than a thousand. A shelf is one lane's, of one urgency, in one
partition. It knows how far its list has been read, and reads on when half of what it may hold has gone. All that is
listed up to there is in memory, or follows when what its contact has in memory is over: so nothing is forgotten.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from services.domain.outbox.entry import Entry, order_key_of, row_key
from services.domain.outbox.lists import IN_A_LANE, in_lane, in_lanes, lists
from services.runtime.folding.index import Listed, beyond
from services.runtime.folding.partition import Partition
from services.sender.tables import OUTBOX

logger = logging.getLogger(__name__)

# Turns that a shelf holds; and each of them where those of its tenant hold so many together.
_ROOM = 256
_TOGETHER = 8192
_CROWDED_ROOM = 8
# Shelves of a tenant: anybody may name senders. What waits for others stays in the table until one is empty.
_MOST_SHELVES = 2048
# Read at once, before others have the event loop. Where none of it could go, one such list is read on after a while.
_AT_ONCE = 128
_IN_VAIN_S = 0.01
# For lanes that have no shelf so many are looked at, so often.
_LANES = 512
_LANES_S = 5.0


class Lane(NamedTuple):
    """A sender of a tenant in the product of a kind, towards where, and how urgent.

    Of one product, so that what waits for its host keeps no other's commands out of memory.
    """

    tenant: str
    kind: str
    sender: str
    towards: str
    urgent: bool


class Shelf:
    """What one lane has waiting. `held`: its turns in memory; `more`: there may be some beyond `read`."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.prefix = in_lane(*lane)
        self.held = 0
        self.read: Listed | None = None
        # What its list has from before it is not known.
        self.more = True

    def passed(self, place: Listed) -> bool:
        """Whether all that is listed before it has been read."""
        return not self.more or (self.read is not None and place <= self.read)

    def leave(self, place: Listed) -> None:
        """What is listed there is not in memory: it is to be read, perhaps again."""
        if self.read is not None and place <= self.read:
            self.read = Listed(place.name, "")
        self.more = True


class Shelves:
    """The shelves of one partition. `offer` is told each contact of which a place in a list has been read."""

    def __init__(self, partition: Partition, offer: Callable[[str], None]) -> None:
        self._partition = partition
        self._offer = offer
        self._shelves: dict[Lane, Shelf] = {}
        self._of_tenant: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        # To be read on, in this order; and those of which nothing could go that was read last.
        self._reading: dict[Shelf, None] = {}
        self._in_vain: dict[Shelf, None] = {}
        # Of tenants of which more lanes wait than may have a shelf: how far those have been looked at.
        self._crowded: dict[str, Listed | None] = {}
        self._timers: dict[str, asyncio.Handle] = {}
        self._closed = False

    def of(self, entry: Entry) -> Shelf | None:
        """The shelf of a waiting command's lane; None where its tenant has too many."""
        command = entry.command
        assert command is not None
        lane = Lane(entry.tenant, entry.kind, command.sender, command.towards, command.urgent)
        found = self._shelves.get(lane)
        if found is None:
            if self._of_tenant[lane.tenant] >= _MOST_SHELVES and not self._discard_one(lane.tenant):
                self._crowded.setdefault(lane.tenant)
                self._in(_LANES_S, self._look_for_lanes)
                return None
            found = self._shelves[lane] = Shelf(lane)
            self._of_tenant[lane.tenant] += 1
            self.want(found)
        return found

    def has_room(self, shelf: Shelf, share: float = 1.0) -> bool:
        """Whether it holds less than this share of what it may."""
        room = _ROOM if self._held[shelf.lane.tenant] < _TOGETHER else _CROWDED_ROOM
        return shelf.held < share * room

    def may_hold(self, shelf: Shelf, place: Listed, share: float = 1.0) -> bool:
        """Whether what is listed there may be in memory now; where not, it stays there and is read in its turn."""
        if shelf.passed(place):
            if self.has_room(shelf, share):
                return True
            shelf.leave(place)
        self.want(shelf)
        return False

    def hold(self, shelf: Shelf, place: Listed) -> None:
        """What is listed there is in memory."""
        shelf.held += 1
        self._held[shelf.lane.tenant] += 1
        if shelf.read is None or place > shelf.read:
            shelf.read = place

    def took(self, shelf: Shelf) -> None:
        """One of its turns is no longer in memory."""
        shelf.held -= 1
        self._held[shelf.lane.tenant] -= 1
        self.want(shelf)

    def want(self, shelf: Shelf) -> None:
        """Have its list read on, once that is worth while."""
        if shelf.more and shelf not in self._in_vain and self.has_room(shelf, 0.5):
            self._reading.setdefault(shelf)
            self._in(0.0, self._read_on)

    async def survey(self) -> None:
        """Give a shelf to every lane that has something waiting."""
        after = None
        while found := self._partition.listed(OUTBOX, IN_A_LANE, after, 1):
            [after] = found
            if entry := self._waiting_at(after):
                self._crowded[entry.tenant] = None
                while self._look_at_lanes(entry.tenant):  # noqa: ASYNC110 (it is at work, and lets others be so)
                    await asyncio.sleep(0)
                after = beyond(in_lanes(entry.tenant))
        if self._crowded:
            self._in(_LANES_S, self._look_for_lanes)

    def close(self) -> None:
        """Read nothing more."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()

    def _read_on(self) -> None:
        """Read on in the list whose turn it is."""
        shelf = next(iter(self._reading))
        fruitful = self._read(shelf)
        del self._reading[shelf]
        if fruitful:
            self.want(shelf)
        else:
            self._in_vain[shelf] = None
            self._in(_IN_VAIN_S, self._read_in_vain)
        if self._reading:
            self._in(0.0, self._read_on)

    def _read_in_vain(self) -> None:
        """The same, in one of those where nothing could go before."""
        shelf = next(iter(self._in_vain))
        over = not self.has_room(shelf, 0.5) or self._read(shelf)
        del self._in_vain[shelf]
        if over:
            self.want(shelf)
        else:
            self._in_vain[shelf] = None
        if self._in_vain:
            self._in(_IN_VAIN_S, self._read_in_vain)

    def _read(self, shelf: Shelf) -> bool:
        """Offer the contacts of what is listed next. False: none of it could be held, and there is more."""
        held = shelf.held
        places = self._partition.listed(OUTBOX, shelf.prefix, shelf.read, _AT_ONCE)
        for place in places:
            if not self.has_room(shelf):
                return True
            shelf.read = place
            self._offer(order_key_of(place.key))
            if shelf.read is not place:
                return True
        shelf.more = len(places) == _AT_ONCE
        return shelf.held > held or not shelf.more

    def _look_for_lanes(self) -> None:
        """Shelves may have become free for lanes that have none."""
        for tenant in list(self._crowded):
            self._look_at_lanes(tenant)
        if self._crowded:
            self._in(_LANES_S, self._look_for_lanes)

    def _look_at_lanes(self, tenant: str) -> bool:
        """Give shelves to a tenant's lanes, from where this ended before. True: there is more to look at now."""
        began = self._crowded[tenant]
        for looked, (place, entry) in enumerate(self._lanes(tenant, began)):
            if looked == _LANES or self.of(entry) is None:
                self._crowded[tenant] = Listed(place.name, "")
                return looked == _LANES
        if began is None:
            del self._crowded[tenant]
        else:
            # Those before it have not been looked at since.
            self._crowded[tenant] = None
        return False

    def _lanes(self, tenant: str, after: Listed | None) -> Iterator[tuple[Listed, Entry]]:
        """The first that waits in each lane of a tenant."""
        while found := self._partition.listed(OUTBOX, in_lanes(tenant), after, 1):
            [after] = found
            if entry := self._waiting_at(after):
                yield after, entry
                command = entry.command
                assert command is not None
                after = beyond(in_lane(tenant, entry.kind, command.sender, command.towards, command.urgent))

    def _waiting_at(self, place: Listed) -> Entry | None:
        """What waits where it is listed; None for an index row that fits no row."""
        entry: Entry | None = self._partition.read(place.key, OUTBOX)
        return entry if entry and entry.state == "pending" and place == place_of(entry) else None

    def _discard_one(self, tenant: str) -> bool:
        """Make room for one more shelf of a tenant by one that is empty."""
        for lane, shelf in self._shelves.items():
            if lane.tenant == tenant and not shelf.held and not shelf.more:
                del self._shelves[lane]
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


def place_of(entry: Entry) -> Listed:
    """Where a waiting command is listed in its lane."""
    return Listed(lists(entry)[1], row_key(entry))
