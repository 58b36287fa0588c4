"""Connections that strangers open: what each may hold and bring, and since when it waits.

A connection *waits* while nothing whole has come of its next request: it is idle, or its head or its body is half sent.
That rests on inner parts of aiohttp's protocol, hence the bounds on its version in pyproject.toml.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError
from prometheus_client import Counter

# Seconds without a whole request, more than a load balancer keeps an idle connection (with aiohttp's own hour a slow
# caller would hold it for ever); headers, each of at most 8 KiB; bytes that wait unread; seconds in which the rest of a
# refused body is read, so that the refusal is. Nothing is unpacked: who packs is refused.
CONNECTION: dict[str, Any] = {
    "keepalive_timeout": 75.0,
    "max_headers": 64,
    "read_bufsize": 64 * 1024,
    "lingering_time": 1.0,
    "auto_decompress": False,
}
# Bytes of a head: the request line with all headers.
MOST_HEAD = 32 * 1024
# Bytes of the bodies that have come and wait for their turn on one connection.
MOST_BEHIND = 128 * 1024
# Lines of one request, its body's among them: chunks have two each, and cost a hundred times what their bytes do.
_MOST_LINES = 500
# Reads that one request may take, whatever they bring; beyond, each brings so many bytes on an average.
_MOST_READS, _LEAST_READ = 200, 256
# Strangers write these lines.
_LOGGED_EVERY_S = 1.0
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

MALFORMED = Counter("switchboard_malformed_http_total", "Requests that were no HTTP; of each second one is logged")
GONE = Counter("switchboard_clients_gone_total", "Clients that went away with their request half sent or unanswered")

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connection(RequestHandler):
    """aiohttp's, with a bound on the whole head, and without a traceback for what is its client's doing."""

    __slots__ = ("_begun", "_bytes", "_head", "_last", "_lines", "_reads", "address", "believed", "proved")

    def __init__(self, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        # When the first byte of what is half sent came; how much of a head there is; the payload that came last.
        self._begun = 0.0
        self._head = self._lines = self._reads = self._bytes = 0
        self._last: StreamReader = EMPTY_PAYLOAD
        self.address = ""
        # Whether it once brought what only Twilio can: then others make room first. And whether it did so last.
        self.proved = self.believed = False

    @property
    def half_sent(self) -> bool:
        """Whether some of a request has come, and not all."""
        return self._head > 0 or not self._last.is_eof()

    @property
    def waits(self) -> bool:
        """Whether nothing whole has come that is not answered yet."""
        if self._messages and (self._request_in_progress or len(self._messages) > 1):
            return False
        if not self._last.is_eof():
            return True
        return not self._messages and not self._request_in_progress and self._waiter is not None

    @property
    def since(self) -> float:
        """Since when it waits, by the loop's clock: its last answer, or the first byte of what is half sent."""
        return max(self._begun, self._next_keepalive_close_time - self._keepalive_timeout)

    def judged(self, believed: bool) -> None:
        """What came of its last request."""
        self.believed = believed
        self.proved = self.proved or believed

    def data_received(self, data: bytes) -> None:
        self._lines += data.count(b"\n")
        self._reads += 1
        self._bytes += len(data)
        crumbs = self._reads > _MOST_READS and self._bytes < self._reads * _LEAST_READ
        if crumbs or self._lines > _MOST_LINES:
            self._refuse()
            return
        in_a_head, count = self._last.is_eof(), self._request_count
        if in_a_head and not self._head:
            self._begun = self._loop.time()
        super().data_received(data)
        if self._messages:
            self._last = self._messages[-1][1]
            if len(self._messages) > 1 and sum(payload.total_bytes for _, payload in self._messages) > MOST_BEHIND:
                self._refuse()
                return
        if self._last.is_eof():
            self._lines = self._reads = self._bytes = 0
        if not in_a_head:
            return
        self._head += len(data)
        short = self._head <= MOST_HEAD or all(_head_of(message) <= MOST_HEAD for message, _ in self._messages)
        if self._request_count > count and short:
            self._head = 0
        elif self._head > MOST_HEAD:
            self._refuse()

    def _refuse(self) -> None:
        if self.transport is not None:
            MALFORMED.inc()
            self._messages.clear()
            self.transport.write(_TOO_LONG)
            self.force_close()

    def log_exception(self, *args: Any, **named: Any) -> None:
        """Log a defect; a client that went away, or sent half a body, is counted."""
        if has_gone(named.get("exc_info")):
            GONE.inc()
            return
        super().log_exception(*args, **named)

    def _make_error_handler(self, err_info: Any) -> Handler:
        """What is no HTTP is its sender's fault: one line, seldom, and nothing that was received is repeated."""
        MALFORMED.inc()
        moment = time.monotonic()
        if moment - _Malformed.at >= _LOGGED_EVERY_S:
            _Malformed.at = moment
            self.logger.warning("malformed HTTP is answered with %d: %s", err_info.status, type(err_info.exc).__name__)

        async def refuse(_: web.BaseRequest) -> web.StreamResponse:
            response = web.Response(status=err_info.status, text="this is no HTTP that can be read\n")
            response.force_close()
            return response

        return refuse


class _Malformed:
    """When one was logged last."""

    at = float("-inf")


def has_gone(error: object) -> bool:
    """Whether this is what reading a request comes to when its client goes away, or sends half a body."""
    if isinstance(error, RuntimeError):
        # What aiohttp's stream says of a connection that is lost already.
        return str(error) == "Connection closed."
    return isinstance(error, ConnectionError | RequestPayloadError)


def _head_of(message: Any) -> int:
    """Bytes of a head that was parsed; 0 for what is no HTTP, which is refused anyway."""
    raw = getattr(message, "raw_headers", ())
    return len(getattr(message, "path", "")) + sum(len(name) + len(value) for name, value in raw)


def guarded(handler: Handler) -> Handler:
    """Refuse what nobody sends us: a packed body, which would cost more than it is long; an `Expect` of any bytes."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if "Content-Encoding" in request.headers:
            response = web.Response(status=415, text="send the body as it is, without Content-Encoding\n")
            response.force_close()
            return response
        if not request.headers.get("Expect", "").isascii():
            # aiohttp's router would repeat it, and fail at that.
            return web.Response(status=417)
        return await handler(request)

    return handle
