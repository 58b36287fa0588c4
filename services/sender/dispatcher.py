"""Hands out turns: whose turn it is by the lanes, whether it may begin by the slots and the rates."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import Counter

from services.sender.account import AccountAt
from services.sender.contacts import Turn
from services.sender.lanes import Lane, LaneName, Lanes
from services.sender.metrics import SENDER
from services.sender.paces import Pace, Paces, RateLimit
from services.sender.slots import Slots
from services.sender.tasks import tell

RATE_WAITS = Counter(
    "switchboard_rate_limit_waits_total",
    "Times that a sender of a tenant waited for its rates",
    ["tenant"],
    registry=SENDER,
)
RATE_WAIT_SECONDS = Counter(
    "switchboard_rate_limit_wait_seconds_total",
    "For how long; of several senders at once each counts",
    ["tenant"],
    registry=SENDER,
)

# Turns that came to nothing, before others have the event loop.
_AT_ONCE = 500


class Dispatcher:
    """`limits`: the rates that a lane keeps, this worker's share of them; who changes them tells `rates_changed`.

    `stopped`: whether nothing of a lane may go now. `begin`: carry a turn out; then the slots are to be told `over`,
    and its rates get their units back where nothing was called.
    """

    def __init__(
        self,
        slots: Slots,
        limits: Callable[[LaneName], Iterable[RateLimit]],
        stopped: Callable[[LaneName], bool],
        begin: Callable[[Turn], None],
    ) -> None:
        self._slots = slots
        self._limits = limits
        self._stopped = stopped
        self._begin = begin
        self._paces = Paces()
        # Lanes that were found stopped, out of the rounds until that is looked at again.
        self._still: set[Lane[Turn]] = set()
        self._lanes: Lanes[Turn] = Lanes()
        self._dispatching: asyncio.Task[None] | None = None
        # Lanes that wait for their rates, and which these were.
        self._refilling: dict[Lane[Turn], tuple[Sequence[Pace], asyncio.Task[None]]] = {}
        slots.freed = self._freed

    def push(self, turn: Turn) -> None:
        """Give a turn its place in its lane."""
        urgent = turn.backlog.lane.urgent
        if urgent:
            self._slots.expect_urgent()
        self._lanes.push(self._lanes.lane(turn.lane), turn, urgent)
        self._dispatch()

    def look_again(self) -> None:
        """Lanes that were stopped may go on."""
        for lane in [one for one in self._still if not self._stopped(one.name)]:
            self._still.discard(lane)
            self._lanes.unpark(lane)
        self._dispatch()

    def rates_changed(self) -> None:
        """Lanes that wait for a rate wait for what it is now: it may have been a thousandth by mistake."""
        self._paces.changed()
        for lane, (before, task) in list(self._refilling.items()):
            paces = self._paces_of(lane)
            if paces != before:
                task.cancel()
                self._park(lane, paces)

    def _freed(self, account: AccountAt) -> None:
        self._lanes.wake(account)
        self._dispatch()

    def _dispatch(self) -> None:
        if self._dispatching is None:
            self._dispatching = asyncio.create_task(self._hand_out(), name="turns")
            self._dispatching.add_done_callback(tell)

    async def _hand_out(self) -> None:
        """Begin every turn that may begin now."""
        try:
            dropped = 0
            while found := self._first():
                lane, urgent = found
                turn = lane.queue(urgent)[0]
                if not turn.wanted:
                    self._lanes.pop(lane, urgent, wanted=False)
                    turn.contacts.left(turn)
                    dropped += 1
                    if dropped % _AT_ONCE == 0:
                        await asyncio.sleep(0)
                    continue
                if self._stopped(lane.name):
                    self._still.add(lane)
                    self._lanes.park(lane)
                    continue
                paces = self._paces_of(lane)
                if not lane.paid and not all(pace.free() for pace in paces):
                    self._park(lane, paces)
                    continue
                # Each that is not paid yet is free.
                owed = turn.units - 1 if lane.paid else turn.units
                lane.paid = False
                self._lanes.pop(lane, urgent)
                for pace in paces:
                    pace.owe(owed)
                self._slots.begin(turn.row, lane.account, urgent)
                turn.paces = paces
                self._begin(turn)
                turn.contacts.left(turn)
        finally:
            self._dispatching = None

    def _paces_of(self, lane: Lane[Turn]) -> list[Pace]:
        version = self._paces.version
        if lane.paces[0] != version:
            lane.paces = version, self._paces.of(self._limits(lane.name))
        return lane.paces[1]

    def _first(self) -> tuple[Lane[Turn], bool] | None:
        if not self._slots.room(urgent=True):
            return None
        return self._lanes.first(not self._slots.room(urgent=False), self._slots.may_begin, self._slots.full)

    def _park(self, lane: Lane[Turn], paces: Sequence[Pace]) -> None:
        self._lanes.park(lane)
        task = asyncio.create_task(self._refill(lane, paces), name=f"rate-{lane.account.tenant}")
        self._refilling[lane] = paces, task
        task.add_done_callback(tell)

    async def _refill(self, lane: Lane[Turn], paces: Iterable[Pace]) -> None:
        began = time.monotonic()
        for pace in paces:
            await pace.take()
        del self._refilling[lane]
        RATE_WAITS.labels(lane.account.tenant).inc()
        RATE_WAIT_SECONDS.labels(lane.account.tenant).inc(time.monotonic() - began)
        lane.paid = True
        self._lanes.unpark(lane)
        self._dispatch()
