"""Turns that begin a while apart: what comes meanwhile goes together, and what comes after a rest does not wait."""

import asyncio


class Apart:
    """`seconds` lie between the beginnings of two turns, at the least, where the later one waits. For one task."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._next = 0.0

    async def turn(self, at_once: bool = False) -> None:
        """Wait until the next may begin, unless it is to begin at once; it begins then."""
        now = asyncio.get_running_loop().time
        if not at_once and (wait := self._next - now()) > 0:
            await asyncio.sleep(wait)
        self._next = now() + self.seconds
