"""When an account may be called at a host: so many calls a minute over all workers, evenly spaced; pauses are kept."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Pace:
    """Of one account at one host: seconds of any clock that only grows."""

    last: float = float("-inf")
    paused_until: float = float("-inf")


class Budget:
    """`share` says which part of all partitions is this worker's: it has that part of the calls."""

    def __init__(
        self,
        calls_per_minute: float,
        share: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval_s = 60.0 / calls_per_minute
        self._share = share
        self._clock = clock
        self._sleep = sleep
        self._paces: dict[tuple[str, str], _Pace] = {}

    async def turn(self, account: str, host: str) -> None:
        """Returns when a call may be made; it is counted."""
        pace = self._pace(account, host)
        while (wait := self._wait_s(pace)) > 0:
            await self._sleep(wait)
        pace.last = self._clock()

    def pause(self, account: str, host: str, seconds: float) -> None:
        """Leave the account alone for so long."""
        pace = self._pace(account, host)
        pace.paused_until = max(pace.paused_until, self._clock() + seconds)

    def _wait_s(self, pace: _Pace) -> float:
        # While nothing is owned nobody asks, but for what is under way still.
        interval = self._interval_s / self._share() if self._share() else self._interval_s
        return max(pace.last + interval, pace.paused_until) - self._clock()

    def _pace(self, account: str, host: str) -> _Pace:
        return self._paces.setdefault((account, host), _Pace())
