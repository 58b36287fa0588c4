"""HTTP that every service has: the operations routes, and a server that says what is wrong with its port."""

import asyncio
import errno
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest

# What a connection may hold. Seconds without a whole request, more than a load balancer keeps an idle connection (with
# aiohttp's own hour a slow caller would hold it for ever); headers, each of at most 8 KiB; bytes that wait unread.
CONNECTION: dict[str, Any] = {"keepalive_timeout": 75.0, "max_headers": 64, "read_bufsize": 64 * 1024}
# With the above, what all of them hold is bounded.
MAX_CONNECTIONS = 1000
# Strangers write these lines.
_MALFORMED_LOGGED_EVERY_S = 1.0

MALFORMED = Counter("switchboard_malformed_http_total", "Requests that were no HTTP; of each second one is logged")

Handler = Callable[[web.BaseRequest], Awaitable[web.Response]]


class PortTaken(Exception):
    """Another process listens where we should; the text names the port and the setting to change."""


def operations(ready: Callable[[], list[str]], detail: Callable[[], dict[str, object]] = dict) -> list[web.RouteDef]:
    """The routes `/healthz`, `/readyz` and `/metrics` for an application; see `operations_by_path`."""
    return [web.get(path, handler) for path, handler in operations_by_path(ready, detail).items()]


def operations_by_path(
    ready: Callable[[], list[str]], detail: Callable[[], dict[str, object]] = dict
) -> dict[str, Handler]:
    """The same for a server without aiohttp's router.

    `ready` gives the reasons why the service cannot work now (none: it can); `detail` is shown beside them.
    `/healthz` answers 200 as long as the event loop turns: it must not fail for what a restart does not mend.
    """

    async def healthz(_: web.BaseRequest) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.BaseRequest) -> web.Response:
        reasons = ready()
        body = {"status": "unready" if reasons else "ready", "reasons": reasons, **detail()}
        return web.json_response(body, status=503 if reasons else 200)

    async def metrics(_: web.BaseRequest) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


class Server:
    """A listening server: `port` is the real one, also where 0 was asked for."""

    def __init__(self, runner: web.AppRunner | web.ServerRunner, host: str, port: int) -> None:
        self._runner = runner
        self.port = port
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{port}"

    async def close(self) -> None:
        """Stop listening, let requests under way finish (a few seconds at most), close the rest."""
        await self._runner.cleanup()


async def serve(app: web.Application | web.Server, host: str, port: int, setting: str = "port") -> Server:
    """Listen, without access log or signal handlers. `setting` is the port's key in the settings.

    A `web.Server` is aiohttp without its router: twice as fast where there is next to nothing to route. It is to be
    made with `**CONNECTION`. Raises PortTaken.
    """
    logging.getLogger("aiohttp.server").addFilter(_brief_about_malformed)
    runner: web.AppRunner | web.ServerRunner
    if isinstance(app, web.Application):
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=5.0, **CONNECTION)
    else:
        runner = web.ServerRunner(app, handle_signals=False, shutdown_timeout=5.0)
    await runner.setup()
    if runner.server is not None:
        _limit(runner.server)
        if isinstance(app, web.Application):
            _expect_text(runner.server)
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} on {host} is taken by another process; set {setting} to a free one"
            ) from error
        raise
    return Server(runner, host, runner.addresses[0][1])


def _limit(server: web.Server) -> None:
    """Beyond MAX_CONNECTIONS close who has been idle the longest; where all are busy, who comes.

    Else those who hold connections and say nothing would keep out Twilio, and the orchestrator who asks for our health.
    """
    admit = server.connection_made

    def made(handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        idle = min(filter(_is_idle, server.connections), key=_idle_since, default=None)
        admit(handler, transport)
        if len(server.connections) > MAX_CONNECTIONS:
            if idle is None or idle.transport is None:
                # Not at once: the handler has yet to begin.
                asyncio.get_running_loop().call_soon(transport.abort)
                return
            idle.transport.abort()
            # It counts until it is told; that it is not taken for idle again by who comes in the same turn.
            idle.force_close()

    server.connection_made = made  # type: ignore[method-assign]


def _is_idle(handler: web.RequestHandler) -> bool:
    """Does it wait for a request, of which nothing whole has come?"""
    waiter = handler._waiter
    return waiter is not None and not waiter.done() and not handler._messages and handler.transport is not None


def _idle_since(handler: web.RequestHandler) -> float:
    # When it would be closed for being idle; nothing yet for who has never asked.
    return handler._next_keepalive_close_time


def _expect_text(server: web.Server) -> None:
    """Refuse an `Expect` of any bytes: aiohttp's router would repeat it, and fail at that."""
    handle = server.request_handler

    async def handle_text(request: web.BaseRequest) -> web.StreamResponse:
        if not request.headers.get("Expect", "").isascii():
            return web.Response(status=417)
        return await handle(request)

    server.request_handler = handle_text


class _Malformed:
    """When one was logged last."""

    at = float("-inf")


def _brief_about_malformed(record: logging.LogRecord) -> bool:
    """What is no HTTP is its sender's fault: one line, seldom, without the bytes and aiohttp's stack trace."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError):
        return True
    MALFORMED.inc()
    moment = time.monotonic()
    if moment - _Malformed.at < _MALFORMED_LOGGED_EVERY_S:
        return False
    _Malformed.at = moment
    record.msg, record.args = "malformed HTTP is answered with %d: %s", (error.code, type(error).__name__)
    record.levelno, record.levelname = logging.WARNING, "WARNING"
    record.exc_info = None
    return True
