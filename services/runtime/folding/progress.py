"""How far a partition has folded each of its topics, and who waits for it to get further."""

import asyncio
from collections.abc import Callable, Iterable, Mapping


class Progress:
    """By topic the offset up to which everything is folded, not including it."""

    def __init__(self, topics: Iterable[str]) -> None:
        # Called when somebody waits for what has not been fetched.
        self.want: Callable[[], None] = lambda: None
        self.upto: dict[str, int] = dict.fromkeys(topics, 0)
        self._begun: dict[str, int] = {}
        self._closed = False
        self._queued: dict[str, int] = {}
        self._waiting: list[tuple[Mapping[str, int], asyncio.Future[None]]] = []

    def begin(self, topic: str, offset: int) -> None:
        """A topic is read from here on; what is below was folded before, or is not there any more."""
        self._begun.setdefault(topic, offset)

    def folded(self, topic: str) -> int | None:
        """Up to where it is folded; None before it was read."""
        begun = self._begun.get(topic)
        return None if begun is None else max(begun, self.upto.get(topic, 0))

    def wants(self, topic: str, offset: int) -> bool:
        """Is it news that the topic has been read up to `offset`? Says so once for each offset."""
        if offset <= self._fetched(topic):
            return False
        self._queued[topic] = offset
        return True

    def move(self, upto: Mapping[str, int]) -> None:
        """Note what has been folded, and let go those who waited for it."""
        for topic, offset in upto.items():
            self.upto[topic] = max(self.upto.get(topic, 0), offset)
        still = []
        for ends, reached in self._waiting:
            if self._beyond(ends) and not reached.done():
                reached.set_result(None)
            if not reached.done():
                still.append((ends, reached))
        self._waiting = still
        # A fetch may have brought less than all of it.
        if any(self._is_ahead(ends) for ends, _ in still):
            self.want()

    async def reach(self, ends: Mapping[str, int]) -> None:
        """Wait until each topic is folded up to its end. CancelledError: the partition was lost first."""
        if self._closed:
            raise asyncio.CancelledError
        if self._beyond(ends):
            return
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ends, reached))
        if self._is_ahead(ends):
            self.want()
        await reached

    def close(self) -> None:
        """The partition leaves: nothing moves any more."""
        self._closed = True
        for _, reached in self._waiting:
            reached.cancel()

    def _is_ahead(self, ends: Mapping[str, int]) -> bool:
        """Is an end ahead of all that was fetched?"""
        return any(self._fetched(topic) < end for topic, end in ends.items())

    def _fetched(self, topic: str) -> int:
        return max(self.upto.get(topic, 0), self._queued.get(topic, 0))

    def _beyond(self, ends: Mapping[str, int]) -> bool:
        return all(self.upto.get(topic, 0) >= end for topic, end in ends.items())
