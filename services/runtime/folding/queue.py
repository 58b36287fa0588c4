"""What waits to be folded in one partition, in the order in which it came; records that come wait while too many do."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from services.runtime.folding.fold import Record

# A flush is one transaction and must be over long before that times out.
MAX_FLUSH_BYTES = 8 << 20


class Local(NamedTuple):
    """An event of this process's own (the sender's attempts), folded in order with what comes off the log."""

    event: Any
    committed: "asyncio.Future[None]"
    # Called when it is folded, before it is committed.
    folded: Callable[[], None]


class Passed(NamedTuple):
    """Everything of a topic below this offset stands before this in the queue, or was no record of ours."""

    topic: str
    offset: int


class Tick(NamedTuple):
    """Rows that are due by now are to be woken."""

    now: str


Item = Record | Local | Passed | Tick


class Queue:
    """The queue of one partition. `max_batch`: of how many items a flush is made at the most."""

    def __init__(self, max_batch: int) -> None:
        self.closed = False
        self.max_batch = max_batch
        self._waiting: deque[Item] = deque()
        self._waiting_bytes = 0
        # Of the records that were taken last.
        self.taken_bytes = 0
        self._accepted: dict[str, int] = {}
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, topic: str, records: Sequence[Any]) -> None:
        """Queue consumed records of one topic; waits while too many wait. Those seen before are passed over."""
        seen = self._accepted.get(topic, -1)
        if self.closed:
            return
        # A seek to the committed offset, which ends every restore, may hand the same records out twice.
        fresh = [Record.of(record) for record in records if record.offset > seen]
        self._waiting.extend(fresh)
        self._waiting_bytes += sum(map(_size, fresh))
        self._accepted[topic] = max(seen, records[-1].offset)
        self._arrived.set()
        if self._crowded():
            self._room.clear()
            await self._room.wait()

    async def submit(self, event: Any, folded: Callable[[], None] = lambda: None) -> None:
        """Fold an event of our own, call `folded`, and return when it is committed.

        CancelledError: the partition was lost first.
        """
        if self.closed:
            raise asyncio.CancelledError
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Local(event, committed, folded))
        self._arrived.set()
        await committed

    def add(self, item: Passed | Tick) -> None:
        """Queue what takes no room."""
        if not self.closed:
            self._waiting.append(item)
            self._arrived.set()

    async def take(self, until: float | None = None) -> list[Item]:
        """Wait for what is to be folded next: a bounded number of items, of a bounded size.

        Nothing where nothing comes until then (the event loop's time), where it is woken, and when it is closed.
        """
        try:
            async with asyncio.timeout_at(until):
                await self._arrived.wait()
        except TimeoutError:
            return []
        return [] if self.closed else self._taken()

    def wake(self) -> None:
        """Have whoever takes look up."""
        self._arrived.set()

    def _taken(self) -> list[Item]:
        batch: list[Item] = []
        size = 0
        while self._waiting and len(batch) < self.max_batch and size < MAX_FLUSH_BYTES:
            item = self._waiting.popleft()
            batch.append(item)
            if isinstance(item, Record):
                size += _size(item)
        self._waiting_bytes -= size
        self.taken_bytes = size
        if not self._waiting:
            self._arrived.clear()
        if not self._crowded():
            self._room.set()
        return batch

    def give_back(self, batch: list[Item], position: int) -> None:
        """What stands in a batch from there on was not folded: it waits again, before all else."""
        rest = batch[position:]
        del batch[position:]
        self._waiting.extendleft(reversed(rest))
        self._waiting_bytes += sum(_size(one) for one in rest if isinstance(one, Record))
        self._arrived.set()

    def first(self, topic: str) -> Record | None:
        """The first record of a topic that waits."""
        return first(self._waiting, topic)

    def close(self) -> int:
        """Take nothing more, and forget what waits: so many records and events. Those who submitted are cancelled."""
        self.closed = True
        self._arrived.set()
        dropped, self._waiting = self._waiting, deque()
        self._waiting_bytes = 0
        self._room.set()
        cancel(dropped)
        return sum(isinstance(item, Record | Local) for item in dropped)

    def _crowded(self) -> bool:
        return len(self._waiting) >= 2 * self.max_batch or self._waiting_bytes >= 2 * MAX_FLUSH_BYTES


def cancel(items: Iterable[Item]) -> None:
    """Tell those who submitted that their events are not folded here."""
    for item in items:
        if isinstance(item, Local):
            item.committed.cancel()


def first(items: Iterable[Item], topic: str) -> Record | None:
    """The first record of a topic."""
    return next((item for item in items if isinstance(item, Record) and item.topic == topic), None)


def _size(record: Record) -> int:
    size = len(record.value or b"") + len(record.key or b"")
    # By hand: most records have three headers, and strangers as many as they like.
    for name, content in record.headers:
        size += len(name) + len(content or b"")
    return size
