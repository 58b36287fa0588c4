"""What waits: all of it in the table, listed by lane, and of each lane the next few in memory.

So a million commands that wait take no more memory than a thousand. A shelf is one lane's, of one urgency, in one
partition. It knows how far its list has been read, and reads on when most of what it holds has gone.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from services.domain.clock import seconds_between
from services.domain.messages.outbox import IN_A_LANE, Entry, contact_of, in_lane, in_lanes, lists, row_key
from services.runtime.clock import now
from services.runtime.folding.index import Listed
from services.runtime.folding.partition import Partition
from services.sender.topology import OUTBOX

# Turns that the shelves of a tenant hold together; each of them at least and at most.
_TOGETHER = 8192
_LEAST = 8
_MOST = 256
# Shelves of a tenant: anybody may name senders. What waits for others stays in the table until one is empty.
_MOST_SHELVES = 2048
# Read at once, before others have the event loop; where none of it could go, they have it for a while.
_AT_ONCE = 128
_PAUSE_S = 0.05
# A wait is looked at again after so long: the clock may have been set.
_LOOK_AGAIN_S = 5.0
# Beyond every name that begins with the same text.
_BEYOND = "\U0010ffff"


class Behind(NamedTuple):
    """The first of what was read and could not go, and the time before which it is not worth a look."""

    place: Listed
    since: str


class Shelf:
    """What one lane has waiting, of one urgency.

    `held` turns are in memory. The list is read up to `read`; whether there is `more`, and what was left `behind`.
    """

    def __init__(self, tenant: str, sender: str, urgent: bool) -> None:
        self.tenant = tenant
        self.sender = sender
        self.urgent = urgent
        self.prefix = in_lane(tenant, sender, urgent)
        self.held = 0
        self.read: Listed | None = None
        self.more = False
        self.behind: Behind | None = None
        # When it is looked at next, by the loop's clock.
        self.look: asyncio.TimerHandle | None = None
        self.look_at = 0.0

    def is_next(self, place: Listed) -> bool:
        """Whether all that is listed before it has been read."""
        return not self.more or (self.read is not None and place <= self.read)

    def hold(self, place: Listed) -> None:
        """What is listed there is in memory now."""
        self.held += 1
        if self.read is None or place > self.read:
            self.read = place

    def leave(self, place: Listed, since: str = "") -> None:
        """What is listed there stays there: to be read when there is room, and not before `since`."""
        if self.read is None or place > self.read:
            self.more = True
        elif self.behind is None:
            self.behind = Behind(place, since)
        else:
            self.behind = Behind(min(place, self.behind.place), min(since, self.behind.since))

    def turn_back(self, moment: str) -> bool:
        """Begin to read again at what was left behind; False where there is nothing that may go by now."""
        if self.behind is None or self.behind.since > moment:
            return False
        self.read, self.behind, self.more = Listed(self.behind.place.name, ""), None, True
        return True


class Shelves:
    """The shelves of one partition. `offer` takes a contact whose command's turn to be held has come."""

    def __init__(self, partition: Partition, offer: Callable[[str], None]) -> None:
        self._partition = partition
        self._offer = offer
        self._shelves: dict[tuple[str, str, bool], Shelf] = {}
        self._of_tenant: Counter[str] = Counter()
        # Tenants of which more lanes wait than may have a shelf.
        self._crowded: set[str] = set()
        self._surveyed: Listed | None = None
        self._survey: asyncio.TimerHandle | None = None

    def of(self, entry: Entry) -> Shelf | None:
        """The shelf of a waiting command's lane; None where its tenant has too many."""
        command = entry.command
        assert command is not None
        key = entry.tenant, command.sender, command.urgent
        found = self._shelves.get(key)
        if found is None and self._of_tenant[entry.tenant] < _MOST_SHELVES:
            found = self._shelves[key] = Shelf(*key)
            self._of_tenant[entry.tenant] += 1
        elif found is None:
            self._crowded.add(entry.tenant)
            self._survey_in(_LOOK_AGAIN_S)
        return found

    def room(self, shelf: Shelf) -> int:
        """How many turns of it may be in memory."""
        return min(_MOST, max(_LEAST, _TOGETHER // self._of_tenant[shelf.tenant]))

    def took(self, shelf: Shelf) -> None:
        """One of its turns is no longer in memory."""
        shelf.held -= 1
        self.want(shelf)

    def want(self, shelf: Shelf) -> None:
        """Have its list read on, once that is worth while."""
        if 2 * shelf.held > self.room(shelf):
            return
        if shelf.more:
            self._look_in(0.0, shelf)
        elif shelf.behind is not None:
            moment = now()
            wait = seconds_between(moment, shelf.behind.since) if shelf.behind.since > moment else 0.0
            self._look_in(min(wait, _LOOK_AGAIN_S), shelf)
        elif not shelf.held:
            if shelf.look is not None:
                shelf.look.cancel()
            del self._shelves[shelf.tenant, shelf.sender, shelf.urgent]
            self._of_tenant[shelf.tenant] -= 1

    def survey(self) -> None:
        """Find the lanes that have something waiting and no shelf."""
        self._survey = None
        for _ in range(_AT_ONCE):
            found = self._partition.listed(OUTBOX, IN_A_LANE, self._surveyed, 1)
            if not found:
                self._surveyed = None
                if self._crowded:
                    self._crowded.clear()
                    for shelf in list(self._shelves.values()):
                        self.want(shelf)
                    self._survey_in(_LOOK_AGAIN_S)
                return
            self._surveyed = found[0]
            entry = self._partition.read(found[0].key, OUTBOX)
            if entry is None or entry.state != "pending":
                # An index row that fits no row.
                continue
            lane = self.of(entry)
            if lane is not None:
                lane.leave(found[0])
                self.want(lane)
            # Of a tenant that has no room for one more lane no other is looked at.
            seen = lane.prefix if lane else in_lanes(entry.tenant)
            self._surveyed = max(found[0], Listed(seen + _BEYOND, ""))
        self._survey_in(_PAUSE_S)

    def close(self) -> None:
        for shelf in self._shelves.values():
            if shelf.look is not None:
                shelf.look.cancel()
        if self._survey is not None:
            self._survey.cancel()

    def _survey_in(self, seconds: float) -> None:
        if self._survey is None:
            self._survey = asyncio.get_running_loop().call_later(seconds, self.survey)

    def _look_in(self, seconds: float, shelf: Shelf) -> None:
        loop = asyncio.get_running_loop()
        look_at = loop.time() + seconds
        if shelf.look is not None:
            if shelf.look_at <= look_at:
                return
            shelf.look.cancel()
        shelf.look, shelf.look_at = loop.call_later(seconds, self._read_on, shelf), look_at

    def _read_on(self, shelf: Shelf) -> None:
        shelf.look = None
        moment, room, held, left = now(), self.room(shelf), shelf.held, _AT_ONCE
        while left and shelf.held < room and (shelf.more or shelf.turn_back(moment)):
            places = self._partition.listed(OUTBOX, shelf.prefix, shelf.read, left)
            shelf.more = len(places) == left
            for place in places:
                shelf.read = place
                left -= 1
                self._offer(contact_of(place.key))
                if shelf.held >= room:
                    shelf.more = shelf.more or place is not places[-1]
                    break
        if shelf.more and shelf.held == held:
            self._look_in(min(_PAUSE_S * len(self._shelves), _LOOK_AGAIN_S), shelf)
        else:
            self.want(shelf)


def place_of(entry: Entry) -> Listed:
    """Where a waiting command is listed in its lane."""
    return Listed(lists(entry)[1], row_key(entry))
