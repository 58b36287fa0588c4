"""Which lanes are stopped, by what, and who is told so: the head of each and what comes to it; the others keep still.

A pause is folded by each partition for itself; a lane, which is of all of them, is stopped while any of them says so.
What is at fault (`faults`) stops lanes too.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator

from prometheus_client import Gauge

from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Judged
from services.domain.outbox.lists import IN_A_LANE, in_lane
from services.domain.outbox.pauses import ROW, Pause, Pauses, paused, resting, stopping
from services.domain.outbox.verdicts import Verdict
from services.runtime.clock import now
from services.runtime.folding.flush import Changed
from services.runtime.folding.index import beyond
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.masking import scrub
from services.sender.account import AccountAt
from services.sender.conditions import Kind
from services.sender.faults import Faults
from services.sender.lanes import LaneName
from services.sender.metrics import SENDER
from services.sender.tables import OUTBOX, PAUSES
from services.sender.tasks import tell

# Told together.
_AT_ONCE = 500

PAUSED = Gauge(
    "switchboard_paused",
    "Pauses that stand, by what they hold; a sender's number is masked",
    ["scope"],
    registry=SENDER,
)


class Stops(Listener):
    """`changed` is called when lanes may have been stopped, or may go on. `host`: where a product's commands go, by its
    kind."""

    def __init__(self, faults: Faults, host: Callable[[str], str]) -> None:
        self._host = host
        self._faults = faults
        self._pauses: dict[Partition, Pauses] = {}
        self._tasks: dict[Partition, set[asyncio.Task[None]]] = {}
        self.changed: Callable[[], None] = lambda: None
        faults.changed = self._changed

    def begin(self, row: str, lane: LaneName) -> None:
        """A turn begins; every one that does is told `over`."""
        self._faults.begin(row, lane.account, lane.sender)

    def over(self, row: str) -> None:
        self._faults.over(row)

    def of(self, partition: Partition) -> Pauses | None:
        """The pauses that a partition has folded."""
        return self._pauses.get(partition)

    def stopped(self, lane: LaneName) -> bool:
        """Whether nothing of a lane may begin now."""
        paused_by = self._paused(lane.account.tenant, lane.sender)
        return paused_by is not None or self._faults.stopped(lane.account, lane.sender)

    def out(self, tenant: str) -> frozenset[str]:
        """The senders of a tenant that fail: what names no sender goes by another, where its route has one."""
        paused_by = (resting(pauses, tenant) for pauses in self._pauses.values())
        return frozenset().union(*paused_by, self._faults.senders(tenant))

    def reasons(self) -> list[str]:
        """What is stopped, for people."""
        told = [f"paused: {one.words}" for one in self._standing().values()]
        return [*told, *self._faults.reasons()]

    async def taken(self, partition: Partition) -> None:
        self._pauses[partition] = partition.read(ROW, PAUSES) or Pauses()
        self._tasks[partition] = set()
        self._metrics()
        self._changed()

    async def folded(self, partition: Partition, changed: Changed) -> None:
        if partition not in self._pauses:
            return
        rows = changed.rows.get(PAUSES, {})
        if ROW in rows:
            self._pauses[partition] = rows[ROW] or Pauses()
            self._metrics()
            self._changed()
        came = [one for one in _came(changed) if self._verdict(one) is not None] if self._any() else []
        if came:
            self._spawn(partition, self._tell(partition, came))

    async def leaving(self, partition: Partition) -> None:
        self._pauses.pop(partition, None)
        for task in self._tasks.pop(partition, set()):
            task.cancel()
        self._metrics()
        self.changed()

    def _changed(self) -> None:
        self.changed()
        if not self.reasons():
            return
        for partition in self._pauses:
            self._spawn(partition, self._tell_heads(partition))

    def _any(self) -> bool:
        """Whether anything stops anybody."""
        return bool(self._faults) or any(pauses.standing for pauses in self._pauses.values())

    def _paused(self, tenant: str, sender: str) -> Pause | None:
        # It is asked at every turn, and mostly nothing stands.
        found = (stopping(pauses, tenant, sender) for pauses in self._pauses.values() if pauses.standing)
        return next((pause for pause in found if pause is not None), None)

    def _verdict(self, entry: Entry) -> Verdict | None:
        """What a command is told whose lane is stopped; None where it is not, or where that was told."""
        sender = entry.command.sender if entry.command else ""
        pause = self._paused(entry.tenant, sender)
        if pause is not None:
            return paused(pause)
        return self._faults.verdict(AccountAt(entry.tenant, self._host(entry.kind)), sender)

    async def _tell_heads(self, partition: Partition) -> None:
        heads: list[Entry] = []
        for entry in _heads(partition):
            if entry is not None and self._verdict(entry) is not None:
                heads.append(entry)
            await asyncio.sleep(0)
        await self._tell(partition, heads)

    async def _tell(self, partition: Partition, entries: list[Entry]) -> None:
        for first in range(0, len(entries), _AT_ONCE):
            told = [(one, self._verdict(one)) for one in entries[first : first + _AT_ONCE]]
            judged = [
                Judged(order_key=one.order_key, command_id=one.command_id, at=now(), verdict=verdict)
                for one, verdict in told
                if verdict is not None
            ]
            await asyncio.gather(*map(partition.submit, judged))

    def _spawn(self, partition: Partition, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[partition].add(task)
        task.add_done_callback(self._tasks[partition].discard)
        task.add_done_callback(tell)

    def _standing(self) -> dict[str, Pause]:
        return {scope: pause for pauses in self._pauses.values() for scope, pause in pauses.standing.items()}

    def _metrics(self) -> None:
        PAUSED.clear()
        for scope in self._standing():
            PAUSED.labels(scrub(scope)).inc()


def _came(changed: Changed) -> Iterator[Entry]:
    """The commands that may go since a change, and might not before."""
    was = changed.was.get(OUTBOX, {})
    for key, entry in changed.rows.get(OUTBOX, {}).items():
        before = was.get(key)
        if entry is not None and entry.state == "pending" and (before is None or before.state != "pending"):
            yield entry


def _heads(partition: Partition) -> Iterator[Entry | None]:
    """The first that waits in each lane; None where an index row fits no row."""
    after = None
    while found := partition.listed(OUTBOX, IN_A_LANE, after, 1):
        [after] = found
        entry: Entry | None = partition.read(after.key, OUTBOX)
        if entry is None or entry.command is None or entry.state != "pending":
            yield None
            continue
        yield entry
        command = entry.command
        after = beyond(in_lane(entry.tenant, entry.kind, command.sender, command.towards, command.urgent))


def _stands(partition: Partition, condition: str) -> bool:
    pauses: Pauses | None = partition.read(ROW, PAUSES)
    return pauses is not None and condition.partition(" ")[2] in pauses.standing


def _ended(changed: Changed) -> Iterable[str]:
    before, after = changed.was.get(PAUSES, {}).get(ROW), changed.rows.get(PAUSES, {}).get(ROW)
    gone = (before.standing.keys() if before else set()) - (after.standing.keys() if after else set())
    return [f"pause {scope}" for scope in gone] if ROW in changed.rows.get(PAUSES, {}) else []


# A label's pause, which defers commands.
HELD_BY_PAUSE = Kind(_stands, _ended)
