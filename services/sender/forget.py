"""Forgetting what has been settled for long enough: many rows at a time, none of them in anybody's way."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from services.domain.messages.outbox import Entry, Forgotten
from services.runtime.folding.partition import Partition

# Rows read between two turns of the event loop; more would delay the heartbeat.
_AT_A_TIME = 1000
# Remembered before any is submitted: a bound on memory, and on how often a large table is read.
MOST = 50_000
# Submitted at once: less than a flush folds.
_TOGETHER = 100


async def reading(partition: Partition, owned: Callable[[], bool]) -> AsyncGenerator[Entry]:
    """The rows, with a turn for others now and then; ends early once the partition is not `owned`.

    RocksDB keeps its lock while an iterator lives, so this one never waits for more than a turn.
    """
    for number, entry in enumerate(partition.rows(), 1):
        yield entry
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(0)
            if not owned():
                return


def due(entry: Entry, now: str) -> Forgotten | None:
    """What is to be said of a row that has been remembered for long enough."""
    if entry.state != "settled" or (entry.forget_at or "") > now:
        return None
    return Forgotten(contact=entry.contact, command_id=entry.command_id, at=now)


async def forget(partition: Partition, now: str, owned: Callable[[], bool]) -> None:
    """Forget all that is due in a partition."""
    while owned():
        found = await _found(partition, now, owned)
        await submit(partition, found, owned)
        if len(found) < MOST:
            return


async def _found(partition: Partition, now: str, owned: Callable[[], bool]) -> list[Forgotten]:
    found: list[Forgotten] = []
    async with aclosing(reading(partition, owned)) as rows:
        async for entry in rows:
            if event := due(entry, now):
                found.append(event)
            if len(found) == MOST:
                break
    return found


async def submit(partition: Partition, events: list[Forgotten], owned: Callable[[], bool]) -> None:
    """Submit some at a time, while the partition is `owned`."""
    for start in range(0, len(events), _TOGETHER):
        if not owned():
            return
        await asyncio.gather(*(partition.submit(event) for event in events[start : start + _TOGETHER]))
