"""What holds deferred commands, by name, and letting them go once it holds them no more.

It is looked at when the partition is taken, when what a condition rests on has changed, and when a command was deferred
under it: each after what did it is folded, so that none of them can pass by another. A condition's first word is its
kind; a time alone is none (`outbox.due`).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from services.domain.outbox.facts import Released
from services.domain.outbox.lists import DEFERRED, FOR_A_TIME, condition_of, held_by
from services.runtime.clock import now
from services.runtime.folding.flush import Changed
from services.runtime.folding.index import beyond
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.sender.tables import OUTBOX
from services.sender.tasks import tell

logger = logging.getLogger(__name__)

# Commands let go together; others have the flush too.
_AT_ONCE = 500
_LOOK_AGAIN_S = 5.0


class Kind(NamedTuple):
    """A kind of conditions.

    `stands`: whether the condition of this name (with its kind) holds anything, by what is folded. `touched`: the
    conditions that may have ended by a change.
    """

    stands: Callable[[Partition, str], bool]
    touched: Callable[[Changed], Iterable[str]]


class Conditions(Listener):
    """Lets go what the conditions of these kinds, by their first word, held. One of an unknown kind holds nothing."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        # By partition and condition, who lets go; True: to be looked at once more.
        self._again: dict[Partition, dict[str, bool]] = {}
        self._tasks: dict[Partition, set[asyncio.Task[None]]] = {}

    async def taken(self, partition: Partition) -> None:
        self._again[partition], self._tasks[partition] = {}, set()
        await self._look_at(partition, DEFERRED)

    def reconsider(self, kind: str) -> None:
        """What conditions of a kind rest on has changed, and no row says so."""
        for partition in self._tasks:
            self._spawn(partition, self._look_at(partition, f"{DEFERRED}{kind} "))

    def ended(self, partition: Partition, condition: str) -> None:
        """A condition may have ended, and no row says so."""
        if partition in self._again:
            self._look(partition, condition)

    async def _look_at(self, partition: Partition, names: str) -> None:
        after = None
        while partition in self._tasks and (found := partition.listed(OUTBOX, names, after, 1)):
            [after] = found
            condition = condition_of(after.name)
            if condition is not None:
                self._look(partition, condition)
            after = beyond(held_by(condition or FOR_A_TIME))
            await asyncio.sleep(0)

    async def folded(self, partition: Partition, changed: Changed) -> None:
        if partition not in self._tasks:
            return
        for condition in dict.fromkeys((*self._touched(changed), *_deferred(changed))):
            self._look(partition, condition)

    async def leaving(self, partition: Partition) -> None:
        self._again.pop(partition, None)
        for task in self._tasks.pop(partition, set()):
            task.cancel()

    def _touched(self, changed: Changed) -> Iterator[str]:
        for kind in self._kinds.values():
            yield from kind.touched(changed)

    def _stands(self, partition: Partition, condition: str) -> bool:
        kind = self._kinds.get(condition.partition(" ")[0])
        return kind is not None and kind.stands(partition, condition)

    def _look(self, partition: Partition, condition: str) -> None:
        """Let go what a condition holds, unless it stands."""
        again = self._again[partition]
        if condition in again:
            again[condition] = True
        elif not self._stands(partition, condition):
            again[condition] = False
            self._spawn(partition, self._let_go(partition, condition))

    def _spawn(self, partition: Partition, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[partition].add(task)
        task.add_done_callback(self._tasks[partition].discard)
        task.add_done_callback(tell)

    async def _let_go(self, partition: Partition, condition: str) -> None:
        again = self._again[partition]
        while True:
            again[condition] = False
            try:
                await self._release(partition, condition)
            except Exception:
                logger.exception("what %s held cannot be let go; it is tried again in %g s", condition, _LOOK_AGAIN_S)
                await asyncio.sleep(_LOOK_AGAIN_S)
                continue
            if not again[condition]:
                del again[condition]
                return

    async def _release(self, partition: Partition, condition: str) -> None:
        after = None
        while not self._stands(partition, condition):
            places = partition.listed(OUTBOX, held_by(condition), after, _AT_ONCE)
            if not places:
                return
            after = places[-1]
            await asyncio.gather(*(partition.submit(_released(place.key, condition)) for place in places))


def _deferred(changed: Changed) -> Iterator[str]:
    """The conditions under which commands were deferred by a change."""
    for entry in changed.rows.get(OUTBOX, {}).values():
        if entry is not None and entry.state == "deferred" and entry.condition is not None:
            yield entry.condition


def _released(row: str, condition: str) -> Released:
    order_key, _, command_id = row.partition(" ")
    return Released(order_key=order_key, command_id=command_id, at=now(), condition=condition)
