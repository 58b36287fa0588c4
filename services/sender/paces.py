"""How fast it may go: so many a second of a sender, an account, a destination; all lanes that name one share it."""

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from aiolimiter import AsyncLimiter

_FEW = 64


class RateLimit(NamedTuple):
    """`of`: whose rate it is; who names the same one shares it. `a_second`: its units. `even`: one after the other;
    else a second's worth may go at once, so that its first second has twice as many.
    """

    of: Hashable
    a_second: float
    even: bool = False


class Pace:
    """A rate that is kept. What a turn took beyond a unit is owed, and paid first. `spent`: it begins with nothing
    left."""

    def __init__(self, a_second: float, even: bool = False, spent: bool = False) -> None:
        self.a_second = a_second
        self._at_once = 1.0 if even else max(1.0, a_second)
        self._owed = int(self._at_once) if spent else 0
        self._limiter = AsyncLimiter(self._at_once, self._at_once / a_second)

    def free(self) -> bool:
        """Whether `take` would not wait."""
        return not self._owed and self._limiter.has_capacity()

    async def take(self) -> None:
        """One unit, once all that is owed is paid."""
        while self._owed:
            self._owed -= 1
            await self._limiter.acquire()
        await self._limiter.acquire()

    def owe(self, units: int) -> None:
        self._owed += units

    def rested(self) -> bool:
        """Whether one made anew would be as far."""
        return not self._owed and self._limiter.has_capacity(self._at_once)


class Paces:
    """All of them, by whose they are."""

    def __init__(self) -> None:
        self._paces: dict[Hashable, Pace] = {}
        self._many = _FEW

    def of(self, limits: Iterable[RateLimit]) -> list[Pace]:
        return [self._one(limit) for limit in limits]

    def _one(self, limit: RateLimit) -> Pace:
        found = self._paces.get(limit.of)
        if found is not None and found.a_second == limit.a_second:
            return found
        self._tidy()
        # One whose rate changes begins with nothing left: its last second may have been used up under the other.
        made = self._paces[limit.of] = Pace(limit.a_second, limit.even, spent=found is not None)
        return made

    def _tidy(self) -> None:
        if len(self._paces) < self._many:
            return
        self._paces = {of: pace for of, pace in self._paces.items() if not pace.rested()}
        self._many = max(_FEW, 2 * len(self._paces))
