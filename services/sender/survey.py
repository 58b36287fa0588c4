"""Which lanes have something waiting, as the table lists it: also of a tenant that has more than may have a backlog."""

import asyncio
from collections.abc import Callable, Iterator

from services.domain.outbox.entry import Entry, row_key
from services.domain.outbox.lists import IN_A_LANE, in_lane, in_lanes, place_in_lane
from services.runtime.folding.index import Listed, beyond
from services.runtime.folding.partition import Partition
from services.sender.tables import OUTBOX

# So many lanes are looked at together.
_LANES = 512


class Survey:
    """Of one partition. `give`: gives a lane, by its first command, a backlog; None: its tenant has too many.

    `crowded`: of such tenants, how far their lanes have been looked at.
    """

    def __init__(self, partition: Partition, give: Callable[[Entry], object | None]) -> None:
        self.crowded: dict[str, Listed | None] = {}
        self._partition = partition
        self._give = give

    async def all(self) -> None:
        """Look at every lane once."""
        after = None
        while found := self._partition.listed(OUTBOX, IN_A_LANE, after, 1):
            [after] = found
            if entry := self._waiting_at(after):
                self.crowded[entry.tenant] = None
                while self._look_at_lanes(entry.tenant):  # noqa: ASYNC110 (it is at work, and lets others be so)
                    await asyncio.sleep(0)
                after = beyond(in_lanes(entry.tenant))

    def again(self) -> None:
        """Look on where there was no backlog left."""
        for tenant in list(self.crowded):
            self._look_at_lanes(tenant)

    def _look_at_lanes(self, tenant: str) -> bool:
        """Give backlogs to a tenant's lanes, from where this ended before. True: there is more to look at now."""
        began = self.crowded[tenant]
        for looked, (place, entry) in enumerate(self._lanes(tenant, began)):
            if looked == _LANES or self._give(entry) is None:
                self.crowded[tenant] = Listed(place.name, "")
                return looked == _LANES
        if began is None:
            del self.crowded[tenant]
        else:
            # Those before it have not been looked at since.
            self.crowded[tenant] = None
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
        return entry if entry and entry.state == "pending" and entry.command and place == place_of(entry) else None


def place_of(entry: Entry) -> Listed:
    """Where a waiting command is listed in its lane."""
    assert entry.command is not None
    return Listed(place_in_lane(entry, entry.command), row_key(entry))
