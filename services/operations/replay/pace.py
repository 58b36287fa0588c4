"""Not faster than asked: what is replayed stands in line with what comes in meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TypeVar

T = TypeVar("T")

_TOGETHER = 100
# So that a low rate is a trickle and no bursts.
_PORTIONS_PER_SECOND = 10


class Pace:
    """Spreads work over time: at most `per_second` on average."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._due = 0.0

    async def portions(self, items: Sequence[T]) -> AsyncGenerator[Sequence[T]]:
        """The items in order, a portion whenever its time has come. What was not used is not caught up on."""
        size = min(_TOGETHER, max(1, int(self._per_second / _PORTIONS_PER_SECOND)))
        clock = asyncio.get_running_loop().time
        for start in range(0, len(items), size):
            portion = items[start : start + size]
            await asyncio.sleep(max(0.0, self._due - clock()))
            self._due = max(self._due, clock()) + len(portion) / self._per_second
            yield portion
