"""When each command goes: hears of each row, and has every contact of the partitions owned wait for its turn.

A lane for each sender, the lanes in fair rounds (`dispatcher`), over all of them the slots.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from prometheus_client import Gauge

from services.domain.outbox.entry import Entry
from services.domain.outbox.lists import DEFERRED, IN_A_LANE, IN_DOUBT
from services.runtime.clock import now
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.sender.contacts import Contacts
from services.sender.dispatcher import Dispatcher
from services.sender.lanes import Routes
from services.sender.metrics import SENDER
from services.sender.slots import Slots
from services.sender.stops import Stops
from services.sender.tables import OUTBOX
from services.sender.turns import Turns, interrupted

# Open rows listed, before others have the event loop.
_AT_ONCE = 2000

OPEN = Gauge("switchboard_open_commands", "Commands accepted and not settled, of the partitions owned", registry=SENDER)


class Times(NamedTuple):
    """Seconds: how long a partition that leaves waits for its calls, and how long an ambiguous one of a product, by its
    kind, holds up others."""

    grace_s: float
    holds_up_s: Callable[[str], float]


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
        self._routes = routes
        self._times = times
        self._owned: dict[Partition, Contacts] = {}
        self._dispatcher = Dispatcher(
            slots,
            lambda lane: routes.limits(lane, len(self._owned)),
            stops.stopped,
            Turns(attempt, slots, stops).begin,
        )
        stops.changed = self._dispatcher.look_again

    def rows_open(self) -> int:
        return sum(owned.open for owned in self._owned.values())

    def rates_changed(self) -> None:
        """By the settings, or by the partitions owned."""
        self._dispatcher.rates_changed()

    async def taken(self, partition: Partition) -> None:
        """Go on with what is pending; an attempt without an end is ambiguous."""
        owned = Contacts(partition, self._routes, self._times.holds_up_s, self._dispatcher.push)
        self._owned[partition] = owned
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
                            owned.spawn(interrupted(partition, entry, moment))
                await asyncio.sleep(0)
                if self._owned.get(partition) is not owned:
                    return
        await owned.backlogs.survey()
        OPEN.set(self.rows_open())

    async def folded(self, partition: Partition, changed: Changed) -> None:
        """Learn of new commands and of how attempts ended."""
        owned, rows = self._owned.get(partition), changed.rows.get(OUTBOX)
        if owned is not None and rows:
            owned.changed(changed.was[OUTBOX], rows)
            OPEN.set(self.rows_open())

    async def leaving(self, partition: Partition) -> None:
        """Begin nothing more; give what is under way a short time to end, so that its end is on the log."""
        owned = self._owned.pop(partition, None)
        if owned is None:
            return
        if self._owned:
            # Of each rate this worker has a smaller share now.
            self.rates_changed()
        # Nothing more comes off the log, so who waits to have read it need not be waited for.
        partition.progress.close()
        await owned.close(self._times.grace_s)
        OPEN.set(self.rows_open())
