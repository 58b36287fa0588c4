"""How fast it may go: so many a second of a sender, an account, a destination; all lanes that name one share it."""

import asyncio
from collections import deque
from collections.abc import Hashable, Iterable
from typing import NamedTuple

_FEW = 64
# One, but for what fractions lose.
_UNIT = 1.0 - 1e-9


class RateLimit(NamedTuple):
    """`of`: whose rate it is; who names the same one shares it. `a_second`: its units. `even`: one after the other;
    else a second's worth may go at once, so that its first second has twice as many. `usual`: nobody has stated it for
    whose it is by name.
    """

    of: Hashable
    a_second: float
    even: bool = False
    usual: bool = False


class Pace:
    """A rate that is kept, also where it becomes another one while turns wait for it. Who waits goes in the order of
    asking. What a turn took beyond a unit is owed, and paid first."""

    def __init__(self, a_second: float, even: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self.a_second = a_second
        self._at_once = _at_once(a_second, even)
        # Units that may go; below none, they are owed.
        self._left, self._as_of = self._at_once, self._loop.time()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def change(self, a_second: float, even: bool) -> None:
        """Nothing is given for free: what is left is what was left under the other rate."""
        self._fill()
        self.a_second, self._at_once = a_second, _at_once(a_second, even)
        self._left = min(self._left, self._at_once)
        self._serve()

    def free(self) -> bool:
        """Whether `take` would not wait."""
        self._fill()
        return not self._waiting and self._left >= _UNIT

    async def take(self) -> None:
        """One unit, once all that is owed is paid."""
        if self.free():
            self._left -= 1.0
            return
        turn = self._loop.create_future()
        self._waiting.append(turn)
        self._serve()
        await turn

    def owe(self, units: int) -> None:
        self._left -= units

    def give_back(self, units: int) -> None:
        """What was taken, and owed, for nothing; who waits may go."""
        self._fill()
        self._left = min(self._at_once, self._left + units)
        self._serve()

    def rested(self) -> bool:
        """Whether one made anew would be as far."""
        self._fill()
        return not self._waiting and self._left >= self._at_once

    def _fill(self) -> None:
        moment = self._loop.time()
        self._left = min(self._at_once, self._left + (moment - self._as_of) * self.a_second)
        self._as_of = moment

    def _serve(self) -> None:
        """Let those go who may, and look again when the next may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._fill()
        while self._waiting and self._left >= _UNIT:
            turn = self._waiting.popleft()
            # Whose task was cancelled, takes nothing.
            if not turn.done():
                self._left -= 1.0
                turn.set_result(None)
        if self._waiting:
            self._timer = self._loop.call_later((1.0 - self._left) / self.a_second, self._serve)


def _at_once(a_second: float, even: bool) -> float:
    return 1.0 if even else max(1.0, a_second)


class Paces:
    """All of them, by whose they are. `version`: once it is another one, who kept what `of` gave is to ask again."""

    def __init__(self) -> None:
        self._paces: dict[Hashable, Pace] = {}
        self._many = _FEW
        self.version = 0

    def changed(self) -> None:
        """Limits may be other ones now."""
        self.version += 1

    def of(self, limits: Iterable[RateLimit]) -> list[Pace]:
        return [self._one(limit) for limit in limits]

    def _one(self, limit: RateLimit) -> Pace:
        found = self._paces.get(limit.of)
        if found is None:
            self._tidy()
            found = self._paces[limit.of] = Pace(limit.a_second, limit.even)
        elif found.a_second != limit.a_second:
            found.change(limit.a_second, limit.even)
        return found

    def _tidy(self) -> None:
        if len(self._paces) < self._many:
            return
        # One that was kept beside a new one of the same rate would double it.
        self.changed()
        self._paces = {of: pace for of, pace in self._paces.items() if not pace.rested()}
        self._many = max(_FEW, 2 * len(self._paces))
