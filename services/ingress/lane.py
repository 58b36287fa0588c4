"""The short way for the common request: whole in one read, alone on a kept connection, its body a plain form's.

aiohttp parses it as any other. But where its protocol makes a task, a request, a response and a writer, here the fact
is queued at once and the answer written when it is durable: a third of all that such a request costs. Everything else
(other methods, chunks, bodies that come in pieces or are too large, pipelining, HTTP/1.0, what is no HTTP) goes
aiohttp's way, as it would without this module.

To aiohttp a request on the short way is one under way: its task keeps waiting for the next message, so what is
pipelined waits its turn and no idle time-out strikes; a shutdown waits for the answer. That rests on the protocol's
inner parts, hence the bounds on aiohttp's version in pyproject.toml.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import HttpVersion11
from aiohttp.http_parser import RawRequestMessage

from services.ingress.answer import Answer
from services.ingress.receiving import Kept
from services.ingress.turns import Turns
from services.ingress.webhook import Call
from services.runtime.connections import CONNECTION, Connection
from services.runtime.room import BoundedServer


class Receiving(Protocol):
    """Who judges and keeps. Neither method raises."""

    def concerns(self, target: str) -> bool: ...

    def receive(self, call: Call, body: bytes) -> Kept | Answer: ...

    def acknowledge(self, kept: Kept) -> Answer: ...


class LaneServer(BoundedServer):
    """A server with the short way. Bodies above `max_body` bytes, or for which aiohttp may stop reading, go its."""

    def __init__(self, handler: Any, receiving: Receiving, turns: Turns, max_body: int, **options: Any) -> None:
        super().__init__(handler, **options)
        self.receiving = receiving
        self.turns = turns
        self.max_body = min(max_body, CONNECTION["read_bufsize"])

    def __call__(self) -> Connection:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(Connection):
    __slots__ = ("_held", "_server")

    def __init__(self, server: LaneServer, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        # What aiohttp's task waits on, while a request is on the short way.
        self._held: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            super().data_received(data)
            return
        # Out of sight, so that aiohttp only queues what it has parsed.
        self._waiter = None
        try:
            super().data_received(data)
        finally:
            self._waiter = waiter
        if self._messages and not self._take(waiter):
            waiter.set_result(None)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp asks for it at the end of each body, and when it is read: it then parses what it held back. On the
        short way that is nothing, and to find so took a twentieth of a request."""
        if self._reading_paused or (resume_parser and self._held is None):
            super().resume_reading(resume_parser)

    def _take(self, waiter: "asyncio.Future[None]") -> bool:
        """Begin with the request that was parsed, if it is one for the short way."""
        message, payload = self._messages[0]
        server = self._server
        if (
            len(self._messages) > 1
            or not isinstance(message, RawRequestMessage)  # aiohttp's word for what is no HTTP
            or not _is_plain(message)
            or not payload.is_eof()
            or payload.total_bytes > server.max_body
            or not server.receiving.concerns(message.path)
            or self._buffer_paused
            or self._paused  # who does not read its answers waits until they are gone, as aiohttp has it
            or self._upgraded
            or not (self.believed or server.turns.at_once())
        ):
            return False
        self._messages.popleft()
        if self._parser is not None:
            self._parser.message_consumed()
        server.requests_count += 1
        self._waiter, self._held = None, waiter
        self._request_in_progress = True
        call = Call(message.method, message.path, message.headers)
        kept = server.receiving.receive(call, payload.read_nowait())
        if isinstance(kept, Answer):
            self._answer(kept)
        else:
            kept.done.add_done_callback(self._answer_when(kept))
        return True

    def _answer_when(self, kept: Kept) -> Callable[["asyncio.Future[None]"], None]:
        return lambda _: self._answer(self._server.receiving.acknowledge(kept))

    def _answer(self, answer: Answer) -> None:
        """Write it unless the client has gone, and let aiohttp's task go on."""
        self.judged(answer.status < 300)
        if not self.believed:
            self._server.turns.refused()
        if self.transport is not None:
            self.transport.write(answer.encode())
        self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)
        waiter, self._waiter, self._held = self._held, self._held, None
        if waiter is None or waiter.done():
            return
        if self._close or self._force_close:
            waiter.cancel()
            return
        self._stay()
        if self._messages:
            waiter.set_result(None)

    def _stay(self) -> None:
        """Idle from now on: as aiohttp's own loop ends a request."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)


def _is_plain(message: RawRequestMessage) -> bool:
    return (
        message.method == "POST"
        and message.version == HttpVersion11
        and not message.should_close
        and not message.chunked
        and not message.compression
        and not message.upgrade
    )
