"""A turn that has come is carried out: one attempt for its command, in a task of its own."""

import asyncio
from collections.abc import Awaitable, Callable

from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Attempted, Unknown
from services.runtime.clock import now
from services.runtime.folding.partition import Partition
from services.sender.contacts import LOOK_AGAIN_S, Turn
from services.sender.slots import Slots
from services.sender.stops import Stops
from services.sender.tables import OUTBOX


class Turns:
    """`attempt` carries a command one attempt further, and says whether there was one: what was only judged counts in
    no rate."""

    def __init__(self, attempt: Callable[[Partition, Entry], Awaitable[bool]], slots: Slots, stops: Stops) -> None:
        self._attempt = attempt
        self._slots = slots
        self._stops = stops

    def begin(self, turn: Turn) -> None:
        """Begin a turn; the slots have begun it."""
        turn.contacts.begin(turn)
        self._stops.begin(turn.row, turn.lane)
        # Once it runs, its slot is given back whatever happens.
        turn.contacts.spawn(self._carry(turn))

    async def _carry(self, turn: Turn) -> None:
        partition, came_through = turn.contacts.partition, False
        try:
            entry = partition.read(turn.row, OUTBOX)
            pending = entry is not None and entry.state == "pending"
            if not (pending and await self._attempt(partition, entry)):
                for pace in turn.paces:
                    pace.give_back(turn.units)
            came_through = True
        finally:
            self._slots.over(turn.row)
            self._stops.over(turn.row)
            if came_through:
                turn.contacts.over(turn)
            else:
                # At once it would fail again, and again.
                asyncio.get_running_loop().call_later(LOOK_AGAIN_S, _failed, turn)


def _failed(turn: Turn) -> None:
    """A turn ended by a defect of ours: what came of it is told as after a restart."""
    partition = turn.contacts.partition
    entry = partition.read(turn.row, OUTBOX) if not turn.contacts.closed else None
    if entry is not None and entry.state == "attempted":
        turn.contacts.spawn(interrupted(partition, entry, now()))
    turn.contacts.over(turn)


async def interrupted(partition: Partition, entry: Entry, at: str) -> None:
    """Tell that nobody knows how an attempt ended."""
    outcome = Unknown(reason="the worker that made the call went away before it knew the end")
    await partition.submit(
        Attempted(order_key=entry.order_key, command_id=entry.command_id, at=at, attempt=entry.attempt, outcome=outcome)
    )
