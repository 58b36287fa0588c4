"""Turns for those whose last request was not believed: one of them in each turn of the event loop.

To refuse the dearest request takes some 2 ms. However many come at once, what Twilio sends on a connection whose last
request was believed waits for one of them at most; and after each the loop rests from them for twice as long, so that
facts and their acks have most of the time. Addresses take turns, so that a first request from Twilio's waits for one of
each other address, not for all that these have sent.
"""

import asyncio
from collections import deque

# After a refusal, before the next one is looked at: refusals take a third of a core at most.
REST_S = 0.004

_Waiting = deque["asyncio.Future[None]"]


class Turns:
    """Of one server."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, _Waiting] = {}
        # Set while this turn of the loop is somebody's.
        self._next: asyncio.Handle | None = None

    def refused(self) -> None:
        """Whose turn it is was not believed."""
        if self._next is not None:
            self._next.cancel()
            self._next = self._loop.call_later(REST_S, self._give)

    def at_once(self) -> bool:
        """Take this turn, if it is nobody's yet."""
        if self._next is not None:
            return False
        self._next = self._loop.call_soon(self._give)
        return True

    async def wait(self, address: str) -> None:
        """Return when it is this address' turn."""
        if self.at_once():
            return
        mine = self._loop.create_future()
        self._waiting.setdefault(address, deque()).append(mine)
        await mine

    def _give(self) -> None:
        """The next turn to the address that has waited for one the longest, unless its client has gone."""
        self._next = None
        while self._waiting:
            address = next(iter(self._waiting))
            queue = self._waiting.pop(address)
            first = queue.popleft()
            if queue:
                self._waiting[address] = queue
            if not first.done():
                first.set_result(None)
                self._next = self._loop.call_soon(self._give)
                return
