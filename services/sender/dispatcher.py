"""Hands out turns: whose turn it is by the lanes, whether it may begin by the slots and the rates."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import Counter

from services.sender.account import AccountAt
from services.sender.lanes import Lane, LaneName, Lanes, Turn
from services.sender.metrics import SENDER
from services.sender.paces import Pace, Paces, RateLimit
from services.sender.slots import Slots

logger = logging.getLogger(__name__)

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
    """`limits`: the rates that a lane keeps, this worker's share of them; they change with the partitions owned.

    `wanted`: whether a turn still stands when it comes. `begin`: carry it out; then the slots are to be told `over`,
    and its rates get their units back where nothing was called. `drop`: it came, and nobody wants it. `stopped`:
    whether nothing of a lane may go now.
    """

    def __init__(
        self,
        slots: Slots,
        limits: Callable[[LaneName], Iterable[RateLimit]],
        wanted: Callable[[Turn], bool],
        begin: Callable[[Turn, Sequence[Pace]], None],
        drop: Callable[[Turn], None],
    ) -> None:
        self._slots = slots
        self._limits = limits
        self._paces = Paces()
        self._wanted = wanted
        self._begin = begin
        self._drop = drop
        self.stopped: Callable[[LaneName], bool] = lambda _: False
        # Lanes that were found stopped, out of the rounds until that is looked at again.
        self._still: set[Lane] = set()
        self._lanes = Lanes()
        self._dispatching: asyncio.Task[None] | None = None
        # Lanes that wait for their rates, and which these were.
        self._refilling: dict[Lane, tuple[Sequence[Pace], asyncio.Task[None]]] = {}
        slots.freed = self._freed

    def push(self, lane: LaneName, turn: Turn, urgent: bool) -> None:
        if urgent:
            self._slots.expect_urgent()
        self._lanes.push(self._lanes.lane(lane), turn, urgent)
        self._dispatch()

    def look_again(self) -> None:
        """Lanes that were stopped may go on."""
        for lane in [one for one in self._still if not self._is_stopped(one)]:
            self._still.discard(lane)
            self._lanes.unpark(lane)
        self._dispatch()

    def rates_changed(self) -> None:
        """Lanes that wait for a rate wait for what it is now: it may have been a thousandth by mistake."""
        for lane, (before, task) in list(self._refilling.items()):
            paces = self._paces.of(self._limits(lane.name))
            if paces != before:
                task.cancel()
                self._park(lane, paces)

    def _is_stopped(self, lane: Lane) -> bool:
        return self.stopped(lane.name)

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
                if not self._wanted(turn):
                    self._drop(self._lanes.pop(lane, urgent, wanted=False))
                    dropped += 1
                    if dropped % _AT_ONCE == 0:
                        await asyncio.sleep(0)
                    continue
                if self._is_stopped(lane):
                    self._still.add(lane)
                    self._lanes.park(lane)
                    continue
                paces = self._paces.of(self._limits(lane.name))
                if not lane.paid and not all(pace.free() for pace in paces):
                    self._park(lane, paces)
                    continue
                if not lane.paid:
                    # Each is free, so this does not wait, and the lane stays the first.
                    await _take(paces)
                lane.paid = False
                self._lanes.pop(lane, urgent)
                for pace in paces:
                    pace.owe(turn.units - 1)
                self._slots.begin(turn.row, lane.account, urgent)
                self._begin(turn, paces)
        finally:
            self._dispatching = None

    def _first(self) -> tuple[Lane, bool] | None:
        if not self._slots.room(urgent=True):
            return None
        return self._lanes.first(not self._slots.room(urgent=False), self._slots.may_begin, self._slots.full)

    def _park(self, lane: Lane, paces: Sequence[Pace]) -> None:
        self._lanes.park(lane)
        task = asyncio.create_task(self._refill(lane, paces), name=f"rate-{lane.account.tenant}")
        self._refilling[lane] = paces, task
        task.add_done_callback(tell)

    async def _refill(self, lane: Lane, paces: Iterable[Pace]) -> None:
        began = time.monotonic()
        await _take(paces)
        del self._refilling[lane]
        RATE_WAITS.labels(lane.account.tenant).inc()
        RATE_WAIT_SECONDS.labels(lane.account.tenant).inc(time.monotonic() - began)
        lane.paid = True
        self._lanes.unpark(lane)
        self._dispatch()


async def _take(paces: Iterable[Pace]) -> None:
    for pace in paces:
        await pace.take()


def tell(task: "asyncio.Task[None]") -> None:
    """Log what a task of the sender's own failed with: nobody awaits it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("work of the sender's failed: %r", error, exc_info=error)
