"""Whose turn it is: accounts in rounds, at an account its lanes in rounds, in a lane the urgent first.

Urgent ones take at most `URGENT_IN_A_ROW` turns of a lane, and of an account, while others of it wait; then one of
those goes. A lane is a sender of a tenant in one product, to destinations of one rate; an account is a tenant's at one
host. A round gives each one turn at one price, so that a million commands of one delay no other; and while others wait
nobody holds more than an equal share, however long its calls take.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from services.domain.outbox.accepted import Accepted
from services.sender.account import AccountAt
from services.sender.paces import Pace, RateLimit
from services.sender.rounds import Ring, Share

# What waits in lanes: turns.
T = TypeVar("T")


class LaneName(NamedTuple):
    """A sender of a tenant, in the product of a kind; where its calls go, and towards which destination of a rate."""

    account: AccountAt
    kind: str
    sender: str
    towards: str = ""


class Routes(NamedTuple):
    """Where a product's commands go, by its kind; the rate limits of a lane, for so many partitions owned; and what a
    command counts in them."""

    host: Callable[[str], str]
    limits: Callable[[LaneName, int], Iterable[RateLimit]]
    units: Callable[[Accepted], int] = lambda _: 1


class Lane(Generic[T]):
    """What waits for one sender. `paid`: a turn that its rates allow is not taken yet. `paces`: those that it keeps,
    and of which version of `Paces`."""

    def __init__(self, name: LaneName) -> None:
        self.name = name
        self.account = name.account
        self.urgent: deque[T] = deque()
        self.ordinary: deque[T] = deque()
        self.paid = False
        self.paces: tuple[int, list[Pace]] = (-1, [])
        self.share = Share()

    def queue(self, urgent: bool) -> deque[T]:
        return self.urgent if urgent else self.ordinary

    def __bool__(self) -> bool:
        return bool(self.urgent or self.ordinary)


class _Account(Generic[T]):
    def __init__(self) -> None:
        self.rings: dict[bool, Ring[Lane[T]]] = {True: Ring(), False: Ring()}
        self.share = Share()

    def __bool__(self) -> bool:
        return any(self.rings.values())

    def first(self, urgent_only: bool) -> tuple[Lane[T], bool] | None:
        # What is due goes also where there is only room for urgent ones: it goes in the place of one.
        if self.share.spent:
            for lane in self.rings[False]:
                return lane, False
        for urgent in (True,) if urgent_only else (True, False):
            for lane in self.rings[urgent]:
                return lane, urgent and not (lane.share.spent and bool(lane.ordinary))
        return None


class Lanes(Generic[T]):
    """All lanes. Whoever cannot go, by its rate or its account, is parked and costs nothing until it is woken."""

    def __init__(self) -> None:
        self._lanes: dict[LaneName, Lane[T]] = {}
        self._accounts: dict[AccountAt, _Account[T]] = {}
        self._round: Ring[AccountAt] = Ring()
        self._parked: set[Lane[T]] = set()
        self._many = 64

    def __len__(self) -> int:
        return len(self._lanes)

    def lane(self, name: LaneName) -> Lane[T]:
        found = self._lanes.get(name)
        if found is None:
            self._tidy()
            found = self._lanes[name] = Lane(name)
            self._accounts.setdefault(name.account, _Account())
        return found

    def push(self, lane: Lane[T], turn: T, urgent: bool) -> None:
        lane.queue(urgent).append(turn)
        self._enter(lane)

    def pop(self, lane: Lane[T], urgent: bool, wanted: bool = True) -> T:
        """Take the lane's next turn; it and its tenant go to the end of their rounds. One that nobody wants is none."""
        turn = lane.queue(urgent).popleft()
        account = self._accounts[lane.account]
        account.rings[urgent].had(lane)
        if wanted:
            lane.share.had(urgent, bool(lane.ordinary))
            account.share.had(urgent, bool(account.rings[False]))
        self._round.had(lane.account)
        self._leave(lane)
        return turn

    def first(
        self, urgent_only: bool, may: Callable[[AccountAt], bool], full: Callable[[AccountAt, int], bool]
    ) -> tuple[Lane[T], bool] | None:
        """The lane whose turn it is, and whether its urgent queue's. An account that may not is parked.

        One that is `full`, as one of so many accounts, lets the others go first.
        """
        chosen, over, barred = None, None, []
        for account in self._round:
            found = self._accounts[account].first(urgent_only)
            if found is None:
                continue
            if not may(account):
                barred.append(account)
            elif not full(account, len(self._round)):
                chosen = found
                break
            else:
                over = over or found
        for account in barred:
            self._round.discard(account)
        return chosen or over

    def wake(self, account: AccountAt) -> None:
        """It may be able to go again."""
        if self._accounts.get(account):
            self._round.add(account)

    def park(self, lane: Lane[T]) -> None:
        """Its rates let nothing go for now."""
        self._parked.add(lane)
        for ring in self._accounts[lane.account].rings.values():
            ring.discard(lane)
        self._leave(lane)

    def unpark(self, lane: Lane[T]) -> None:
        self._parked.discard(lane)
        self._enter(lane)

    def _enter(self, lane: Lane[T]) -> None:
        if lane in self._parked:
            return
        account = self._accounts[lane.account]
        for urgent, ring in account.rings.items():
            if lane.queue(urgent):
                ring.add(lane)
        self.wake(lane.account)

    def _leave(self, lane: Lane[T]) -> None:
        """Out of the rounds where nothing of it waits."""
        account = self._accounts[lane.account]
        for urgent, ring in account.rings.items():
            if not lane.queue(urgent):
                ring.discard(lane)
        if not account:
            self._round.discard(lane.account)

    def _tidy(self) -> None:
        """Forget lanes that wait for nothing."""
        if len(self._lanes) < self._many:
            return
        for name, lane in list(self._lanes.items()):
            # A unit that was paid for a turn that nobody wanted any more goes with it.
            if not lane and lane not in self._parked:
                del self._lanes[name]
        self._many = max(64, 2 * len(self._lanes))
