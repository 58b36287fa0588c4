"""What differs between the shadow and the live table, found while the live one goes on.

The shadow folds what the live app is known to have folded: up to C. The live rows, read after that, hold it too, and
may hold some of what the log got until E, which is read after them. So a row that differs, and of which the log tells
nothing between C and E, differs. Of the others the next round decides, which has a later C.

Timers have no offset: both rows are woken up to the same moment before they are compared.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from aiokafka import TopicPartition

from services.domain.due import Due
from services.operations.log import Offsets
from services.operations.rebuild.live import Live
from services.operations.rebuild.log import Log
from services.operations.rebuild.plan import Plan
from services.operations.rebuild.shadow import Shadow, partitions_of
from services.runtime.clock import now

Kind = Literal["differs", "only live", "only on the log"]

_MOST_ROUNDS = 5
# The live app commits its offsets every second.
_ROUND_S = 5.0
_LOOK_AGAIN_S = 0.2


@dataclass
class Found:
    """What one partition came to. Keys of rows that differ with how; keys that could not be decided."""

    compared: int = 0
    # Rows of which the log holds nothing any more.
    older: int = 0
    differing: dict[str, Kind] = field(default_factory=dict)
    undecided: set[str] = field(default_factory=set)

    @property
    def equal(self) -> int:
        return self.compared - len(self.differing) - len(self.undecided) - self.older


class Comparison:
    """The comparison of one partition."""

    def __init__(self, plan: Plan, partition: int, log: Log, shadow: Shadow, live: Live) -> None:
        self.shadow = shadow
        self.live = live
        self.found = Found()
        # The moment up to which both sides have been woken.
        self.now = now()
        self._plan = plan
        self._log = log
        self._sources = partitions_of(plan, partition)

    async def run(self, count_older: bool, told: Callable[[str, int, int | None], None]) -> Found:
        """Compare until all is decided, or nothing more can be. `told`: what is read, how much, of how much."""
        await self._catch_up(told)
        folded = await self._catch_up(told)
        until = await self._log.ends(self._sources)
        suspects = self._compare_all(count_older)
        await self._decide(suspects, until)
        for _ in range(_MOST_ROUNDS - 1):
            if not self.found.undecided or not await self._moved(folded):
                break
            folded = await self._catch_up(told)
            until = await self._log.ends(self._sources)
            self.now = now()
            suspects = {key: kind for key in self.found.undecided if (kind := self._look(key))}
            await self._decide(suspects, until)
        return self.found

    def right(self, key: str) -> Any:
        """The row as it should be now, or None."""
        return woken(self._plan, key, self.shadow.read(key), self.now)

    async def _catch_up(self, told: Callable[[str, int, int | None], None]) -> Offsets:
        """Both sides as far as the live app is: first the shadow's end, then the live rows."""
        until = await self._folded()
        await self.shadow.advance(self._log, until, lambda done: told("log", done, None))
        await self.live.refresh(self._log, lambda done, total: told("live", done, total))
        return until

    async def _folded(self) -> Offsets:
        read = [one for one in self._sources if one.topic not in self._plan.told]
        told = [one for one in self._sources if one.topic in self._plan.told]
        found: dict[TopicPartition, int] = {}
        if read:
            found |= await self._log.folded(self._plan.app, read)
        if told:
            found |= await self._log.ends(told)
        return found

    async def _moved(self, folded: Offsets) -> bool:
        """Wait until the live app has folded more than that; False when it does not, or is not running."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + _ROUND_S
        while clock() < deadline:
            if await self._folded() != folded:
                return True
            if not await self._log.members(self._plan.app):
                return False
            await asyncio.sleep(_LOOK_AGAIN_S)
        return False

    async def _decide(self, suspects: dict[str, Kind], until: Offsets) -> None:
        self.found.undecided = await self.shadow.later(self._log, until, set(suspects))
        self.found.differing |= {key: kind for key, kind in suspects.items() if key not in self.found.undecided}

    def _compare_all(self, count_older: bool) -> dict[str, Kind]:
        suspects: dict[str, Kind] = {}
        for name, _ in self.live.rows.rows():
            key = name.decode()
            self.found.compared += 1
            if kind := self._look(key):
                suspects[key] = kind
            elif count_older and not self.shadow.rows.touched(name):
                self.found.older += 1
        for name, _ in self.shadow.rows.rows():
            if self.live.rows.get(name) is None and (kind := self._look(name.decode())):
                self.found.compared += 1
                suspects[name.decode()] = kind
        return suspects

    def _look(self, key: str) -> Kind | None:
        live = self.live.row(key)
        right = canonical(self.right(key))
        if live is None and self.live.rows.get(key.encode()) is not None:
            return "only live" if right is None else "differs"
        has = canonical(woken(self._plan, key, live, self.now))
        if has == right:
            return None
        if has is None or right is None:
            return "only on the log" if has is None else "only live"
        return "differs"


def canonical(row: Any) -> bytes | None:
    """A row's bytes whatever the order in which its facts came: the keys of maps are sorted."""
    return None if row is None else msgspec.json.encode(row, order="deterministic")


def woken(plan: Plan, key: str, row: Any, until: str) -> Any:
    """A row after all timers that are due by then."""
    due = plan.table.due
    while due is not None and row is not None and (at := due(row)) is not None and at <= until:
        after, _ = plan.step.function(row, Due(key=key, at=at))
        if after == row:
            # It asks for the same time again, and would for ever.
            break
        row = after
    return row
