"""The scheduler without Kafka: rows in memory, attempts that end when they are told to."""

import asyncio
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from services.domain.due import Due
from services.domain.outbox import pauses
from services.domain.outbox.entry import Entry, due, row_key
from services.domain.outbox.lists import DEFERRED, lists
from services.domain.outbox.pauses import Pauses, Said
from services.domain.outbox.verdicts import Verdict
from services.runtime.clock import now
from services.runtime.folding.flush import Changed
from services.runtime.folding.index import Listed
from services.runtime.folding.partition import Partition
from services.runtime.folding.progress import Progress
from services.runtime.folding.runner import Together
from services.sender.conditions import Conditions
from services.sender.faults import Faults
from services.sender.lanes import LaneName, Routes
from services.sender.paces import RateLimit
from services.sender.scheduler import Scheduler, Times
from services.sender.slots import Slots
from services.sender.stops import HELD_BY_PAUSE, Stops
from services.sender.tables import OUTBOX, PAUSES
from tests.sender.histories import Event, accepted, attempted, attempting, created, fold, history, judged
from tests.waiting import eventually

NEVER = "9999-01-01T00:00:00.000Z"


def pending(name: str, contact: str | None = None, **fields: Any) -> Entry:
    return ended(accepted(name, contact=contact or f"acme|{name}", not_after=NEVER, **fields))


def ended(*events: Any) -> Entry:
    entry, _ = history(events)
    return cast(Entry, entry)


class Rows:
    """A partition of rows in memory, listed as the table lists them."""

    def __init__(self, *entries: Entry) -> None:
        self.entries: dict[str, Entry] = {}
        self.index: list[Listed] = []
        self.read_now: list[str] = []
        self.progress = Progress([])
        self.world: World | None = None
        self.pauses: Pauses | None = None
        self.told: list[Any] = []
        self.change(entries)

    @property
    def partition(self) -> Partition:
        return cast(Partition, self)

    def change(self, entries: Iterable[Entry]) -> Changed:
        return self.set({row_key(entry): entry for entry in entries})

    def set(self, changes: Mapping[str, Entry | None]) -> Changed:
        was = {}
        for key, entry in changes.items():
            was[key] = before = self.entries.pop(key, None)
            for name in lists(before) if before else ():
                del self.index[bisect_left(self.index, Listed(name, key))]
            if entry is not None:
                self.entries[key] = entry
                for name in lists(entry):
                    insort(self.index, Listed(name, key))
        return Changed({OUTBOX: changes}, {OUTBOX: was})

    def listed(self, table: str, prefix: str, after: Listed | None, limit: int) -> list[Listed]:
        assert table == OUTBOX
        start = bisect_left(self.index, Listed(prefix, "") if after is None else Listed(after.name, f"{after.key}\0"))
        found = []
        for one in self.index[start : start + limit]:
            if not one.name.startswith(prefix):
                break
            found.append(one)
        return found

    def due(self, moment: str) -> list[tuple[str, str]]:
        """Those that wait no more for a time."""
        waiting = self.listed(OUTBOX, DEFERRED, None, len(self.index))
        asked = [(one.key, due(self.entries[one.key])) for one in waiting]
        return [(key, at) for key, at in asked if at is not None and at <= moment]

    def say(self, said: Said) -> Changed:
        """A pause, or its end, is folded."""
        before = self.pauses
        self.pauses, _ = pauses.fold(before, said)
        return Changed({PAUSES: {pauses.ROW: self.pauses}}, {PAUSES: {pauses.ROW: before}})

    def read(self, key: str, table: str) -> Any:
        if table == PAUSES:
            return self.pauses
        assert table == OUTBOX
        self.read_now.append(key)
        return self.entries.get(key)

    async def submit(self, event: Event) -> None:
        assert self.world is not None
        await self.world.change(self, event)


class World:
    """A scheduler, its partitions, and what it attempts now: by command id."""

    def __init__(
        self,
        concurrency: int = 4,
        rate: float = 1000.0,
        ambiguous_wait_s: float = 60.0,
        host: Callable[[str], str] = lambda _kind: "api",
        *,
        limits: Callable[[LaneName], Sequence[RateLimit]] | None = None,
        units: Callable[[Any], int] = lambda _: 1,
    ) -> None:
        limits = limits or (lambda lane: [RateLimit(lane.sender, rate)])
        self.slots = Slots(concurrency)
        self.faults = Faults(gap_s=0.1)
        self.stops = Stops(self.faults, host)
        self.scheduler = Scheduler(
            self._attempt,
            Routes(
                host, lambda lane, owned: [one._replace(a_second=one.a_second * owned) for one in limits(lane)], units
            ),
            self.slots,
            self.stops,
            Times(0.5, lambda _kind: ambiguous_wait_s),
        )
        self.listening = Together(self.stops, Conditions({"pause": HELD_BY_PAUSE}), self.scheduler)
        self.taken: list[Rows] = []
        self.ticking: asyncio.Task[None] | None = None
        self.attempts: dict[str, asyncio.Future[Any]] = {}
        self.order: list[str] = []

    async def take(self, *entries: Entry) -> Rows:
        rows = Rows(*entries)
        rows.world = self
        await self.listening.taken(rows.partition)
        self.taken.append(rows)
        self.ticking = self.ticking or asyncio.create_task(self._tick())
        return rows

    async def _tick(self) -> None:
        """Wake what waits for a time, as the folding does."""
        while True:
            await asyncio.sleep(0.02)
            for rows in self.taken:
                for key, asked in rows.due(now()):
                    entry, _ = fold(rows.entries[key], Due(key=key, at=asked))
                    await self.listening.folded(rows.partition, rows.set({key: entry}))

    async def change(self, rows: Rows, event: Any) -> None:
        key = row_key(event)
        entry, told = fold(rows.entries.get(key), event)
        rows.told += told
        await self.listening.folded(rows.partition, rows.set({key: entry}))

    async def put(self, rows: Rows, *entries: Entry) -> None:
        await self.listening.folded(rows.partition, rows.change(entries))

    async def gone(self, rows: Rows, entry: Entry) -> None:
        """Its time was over so long ago that one flush has settled and forgotten it."""
        await self.listening.folded(rows.partition, rows.set({row_key(entry): None}))

    async def _attempt(self, partition: Partition, entry: Entry) -> bool:
        self.order.append(entry.command_id)
        end = await self._end(entry)
        if isinstance(end, Verdict):
            said = judged(end, command_id=entry.command_id)
            await partition.submit(msgspec.structs.replace(said, order_key=entry.order_key, at=now()))
            return False
        number = entry.attempt + 1
        begun = attempting(number, command_id=entry.command_id)
        over = attempted(number, end, command_id=entry.command_id)
        for event in (begun, over):
            await partition.submit(msgspec.structs.replace(event, order_key=entry.order_key, at=now()))
        return True

    async def _end(self, entry: Entry) -> Any:
        future = self.attempts[entry.command_id] = asyncio.get_running_loop().create_future()
        try:
            return await future
        finally:
            self.attempts.pop(entry.command_id, None)

    async def attempted(self, *names: str) -> None:
        await eventually(lambda: sorted(self.attempts) == sorted(names), 20, f"attempts of {names}")

    async def ends(self, name: str, end: Any = None) -> None:
        self.attempts[name].set_result(end or created())
        await eventually(lambda: name not in self.attempts, 5)
