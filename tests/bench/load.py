"""Load over raw sockets: requests made beforehand, keep-alive connections, one request at a time on each.

aiohttp's client costs more than the server under measurement; this one about a tenth of it.
"""

import asyncio
import itertools
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ANSWER_S = 30.0


@dataclass
class Answers:
    """What came back: how many in all, how long each took (seconds), and how many were not 2xx, by status."""

    completed: int = 0
    seconds: list[float] = field(default_factory=list)
    failed: Counter[int] = field(default_factory=Counter)


class ServerGone(Exception):
    """The server closed a connection, or answers no more."""


class _Connection(asyncio.Protocol):
    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def send(self, request: bytes, due: float) -> None:
        """`due`: when the request should have left; the answer's time counts from then."""
        self.due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        status = _status(self._buffer)
        if status is not None:
            self._buffer = b""
            self._load.answered(self, status)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost(error)

    def close(self) -> None:
        self._transport.close()


def _status(answer: bytes) -> int | None:
    """The status of a complete answer, else None."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = _LENGTH.search(answer, 0, end)
    return int(answer[9:12]) if len(answer) >= end + 4 + (int(length[1]) if length else 0) else None


class Load:
    """Connections to one server. `open`, then `saturate` or `pace`, as often as wanted; then `close`."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port = port
        self._requests = itertools.cycle(requests)
        self._connections: list[_Connection] = []
        self._free: deque[_Connection] = deque()
        self._due: deque[float] = deque()
        self._closed_loop = False
        self._closing = False
        self._gone = asyncio.Event()
        self.answers = Answers()

    async def open(self, connections: int = 64) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
            self._connections.append(connection)
        self._free.extend(self._connections)

    def close(self) -> None:
        self._closing = True
        for connection in self._connections:
            connection.close()

    async def saturate(self, seconds: float, until: Callable[[], bool] = lambda: False) -> Answers:
        """Every connection sends as soon as it is answered. Returns what came back within `seconds`."""
        self.answers = Answers()
        self._closed_loop = True
        while self._free:
            self._free.popleft().send(next(self._requests), time.perf_counter())
        ends = time.perf_counter() + seconds
        while (left := ends - time.perf_counter()) > 0 and not until():
            await self._rest(min(left, 1.0))
        found, self.answers = self.answers, Answers()
        self._closed_loop = False
        await self._idle()
        return found

    async def pace(self, per_second: float, count: int) -> tuple[Answers, float]:
        """Send `count` requests at a fixed pace, whatever comes back. Also returns when the first was due.

        One that finds no connection free waits for it, and its wait counts.
        """
        self.answers = Answers()
        started = time.perf_counter()
        for number in range(count):
            due = started + number / per_second
            if (wait := due - time.perf_counter()) > 0:
                await self._rest(wait)
            self._due.append(due)
            self._send_due()
        await self._idle()
        return self.answers, started

    def answered(self, connection: _Connection, status: int) -> None:
        now = time.perf_counter()
        self.answers.completed += 1
        self.answers.seconds.append(now - connection.due)
        if not 200 <= status < 300:
            self.answers.failed[status] += 1
        if self._closed_loop:
            connection.send(next(self._requests), now)
        else:
            self._free.append(connection)
            self._send_due()

    def lost(self, _: Exception | None) -> None:
        if not self._closing:
            self._gone.set()

    def _send_due(self) -> None:
        while self._due and self._free:
            self._free.popleft().send(next(self._requests), self._due.popleft())

    async def _idle(self) -> None:
        deadline = time.perf_counter() + _ANSWER_S
        while len(self._free) < len(self._connections):
            if time.perf_counter() > deadline:
                raise ServerGone(f"no answer within {_ANSWER_S:.0f} s")
            await self._rest(0.005)

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self._gone.is_set():
            raise ServerGone("the server closed a connection")
