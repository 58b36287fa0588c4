"""Hands out turns: whose turn it is by the lanes, whether it may begin by the slots and the sender's rate."""

import asyncio
import logging
import time
from collections.abc import Callable

from aiolimiter import AsyncLimiter
from prometheus_client import Counter

from services.sender.account import AccountAt
from services.sender.lanes import Lane, LaneName, Lanes, Turn
from services.sender.metrics import SENDER
from services.sender.slots import Slots

logger = logging.getLogger(__name__)

RATE_WAITS = Counter(
    "switchboard_rate_limit_waits_total",
    "Times that a sender of a tenant waited for messages_per_second",
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
    """`rate`: calls a second that may be made from here for a lane; it changes with the partitions owned.

    `wanted`: whether a turn still stands when it comes. `begin`: carry it out; then the slots are to be told `over`.
    `drop`: it came, and nobody wants it. `stopped`: whether nothing of a lane may go now.
    """

    def __init__(
        self,
        slots: Slots,
        rate: Callable[[LaneName], float],
        wanted: Callable[[Turn], bool],
        begin: Callable[[Turn], None],
        drop: Callable[[Turn], None],
    ) -> None:
        self._slots = slots
        self._rate = rate
        self._wanted = wanted
        self._begin = begin
        self._drop = drop
        self.stopped: Callable[[LaneName], bool] = lambda _: False
        # Lanes that were found stopped, out of the rounds until that is looked at again.
        self._still: set[Lane] = set()
        self._lanes = Lanes()
        self._dispatching: asyncio.Task[None] | None = None
        self._refilling: set[asyncio.Task[None]] = set()
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
                elif self._is_stopped(lane):
                    self._still.add(lane)
                    self._lanes.park(lane)
                elif not lane.paid and not self._limiter(lane).has_capacity():
                    self._park(lane)
                else:
                    if not lane.paid:
                        # There is capacity, so this does not wait, and the lane stays the first.
                        await self._limiter(lane).acquire()
                    lane.paid = False
                    self._lanes.pop(lane, urgent)
                    self._slots.begin(turn.row, lane.account, urgent)
                    self._begin(turn)
        finally:
            self._dispatching = None

    def _first(self) -> tuple[Lane, bool] | None:
        if not self._slots.room(urgent=True):
            return None
        return self._lanes.first(not self._slots.room(urgent=False), self._slots.may_begin, self._slots.full)

    def _limiter(self, lane: Lane) -> AsyncLimiter:
        share = self._rate(lane.name)
        if lane.limiter is None or lane.rate != share:
            lane.limiter, lane.rate = AsyncLimiter(max(1.0, share), max(1.0, share) / share), share
        return lane.limiter

    def _park(self, lane: Lane) -> None:
        self._lanes.park(lane)
        task = asyncio.create_task(self._refill(lane, self._limiter(lane)), name=f"rate-{lane.account.tenant}")
        self._refilling.add(task)
        task.add_done_callback(self._refilling.discard)
        task.add_done_callback(tell)

    async def _refill(self, lane: Lane, limiter: AsyncLimiter) -> None:
        began = time.monotonic()
        await limiter.acquire()
        RATE_WAITS.labels(lane.account.tenant).inc()
        RATE_WAIT_SECONDS.labels(lane.account.tenant).inc(time.monotonic() - began)
        lane.paid = True
        self._lanes.unpark(lane)
        self._dispatch()


def tell(task: "asyncio.Task[None]") -> None:
    """Log what a task of the sender's own failed with: nobody awaits it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("work of the sender's failed: %r", error, exc_info=error)
