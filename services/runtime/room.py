"""Room for so many connections: who goes when there are too many, and who has sent half a request for too long.

Where there is no room the one that has waited the longest goes, first of those that never brought what Twilio signed.
So those who hold connections and say little keep out neither Twilio nor the orchestrator who asks for our health.
"""

import asyncio
from collections import defaultdict
from heapq import nsmallest
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from prometheus_client import Counter

from services.runtime.connections import Connection

# With what one may hold (`connections`), what all of them hold is bounded.
MAX_CONNECTIONS = 1000
# Seconds that half a request may take where there is room, and where there is none.
PATIENCE_S, LEAST_PATIENCE_S = 12.0, 1.0
_SWEPT_EVERY_S = 0.5
CLOSED = Counter(
    "switchboard_connections_closed_total", "Connections closed for others, or for their slowness", ["why"]
)


class BoundedServer(web.Server):
    """aiohttp's, with room for MAX_CONNECTIONS; and for `per_address` of one address, if that is a bound."""

    def __init__(self, handler: Any, *, per_address: int | None = None, **options: Any) -> None:
        super().__init__(handler, **options)
        self._per_address = per_address
        self._addresses: defaultdict[str, set[Connection]] = defaultdict(set)
        self._sweeping: asyncio.TimerHandle | None = None

    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if not isinstance(handler, Connection):
            return
        peer = transport.get_extra_info("peername")
        handler.address = str(peer[0]) if isinstance(peer, tuple) else ""
        neighbours = self._addresses[handler.address]
        neighbours.add(handler)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(_SWEPT_EVERY_S, self._sweep)
        if self._per_address is not None and len(neighbours) > self._per_address:
            self._make_room("address", neighbours, handler)
        elif len(self._connections) > MAX_CONNECTIONS:
            self._make_room("server", self._connections, handler)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        if isinstance(handler, Connection):
            neighbours = self._addresses[handler.address]
            neighbours.discard(handler)
            if not neighbours:
                del self._addresses[handler.address]

    def _make_room(self, why: str, among: Any, newcomer: Connection) -> None:
        """Close who has waited the longest; where all are busy, who comes.

        Of those with half a request some go at once: to look at all of them costs more than to close one.
        """
        waiting = [one for one in among if one is not newcomer and one.waits and one.transport is not None]
        slow = [one for one in waiting if one.half_sent and not one.proved]
        oldest = nsmallest(max(1, len(waiting) // 8), slow, key=lambda one: one.since)
        if not oldest:
            oldest = nsmallest(1, waiting, key=lambda one: (one.proved, one.since))
        CLOSED.labels(why).inc(max(1, len(oldest)))
        for one in oldest:
            _abort(one)
        if not oldest:
            # Not at once: the handler has yet to begin.
            self._loop.call_soon(_abort, newcomer)

    def _sweep(self) -> None:
        """Close what has been half sent for too long; the fuller it is, the sooner."""
        self._sweeping = self._loop.call_later(_SWEPT_EVERY_S, self._sweep) if self._connections else None
        latest = self._loop.time() - patience_s(len(self._connections) / MAX_CONNECTIONS)
        for one in self.connections:
            if isinstance(one, Connection) and one.half_sent and one.waits and one.since < latest:
                CLOSED.labels("slow").inc()
                _abort(one)


def patience_s(fullness: float) -> float:
    """Seconds that half a request may take: all of them up to half of the room, then falling to the least."""
    share = min(1.0, max(0.0, 2.0 - 2.0 * fullness))
    return LEAST_PATIENCE_S + share * (PATIENCE_S - LEAST_PATIENCE_S)


def _abort(handler: Connection) -> None:
    if handler.transport is not None:
        handler.transport.abort()
        # It counts until it is told; that it is not chosen again by who comes in the same turn.
        handler.force_close()
