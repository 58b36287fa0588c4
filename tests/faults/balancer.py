"""What stands before ingress in production: one address, and behind it whichever ingress takes the request."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

_CONNECT_S = 1.0
# Longer than Twilio waits: its time-out is the one that counts.
_ANSWER = aiohttp.ClientTimeout(total=60, connect=_CONNECT_S)


@asynccontextmanager
async def balancing(port: int, behind: Callable[[], Sequence[int]]) -> AsyncIterator[None]:
    """Pass each request to `port` on to one of the ports behind it, in turn; one that takes no connection is left out.

    A request whose ingress did not answer stays unanswered, and the client says it again.
    """
    turn = 0

    async def serve(request: web.Request) -> web.Response:
        nonlocal turn
        turn += 1
        ports, body = behind(), await request.read()
        for number in range(len(ports)):
            url = URL(f"http://127.0.0.1:{ports[(turn + number) % len(ports)]}{request.raw_path}", encoded=True)
            try:
                asked = session.request(request.method, url, data=body, headers=request.headers)
                async with asked as answer:
                    return web.Response(status=answer.status, body=await answer.read(), headers=_kept(answer))
            except aiohttp.ClientConnectorError:
                continue
            except (aiohttp.ClientError, TimeoutError):
                break
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)

    # A connection of its own for each: what was kept alive would stay with one ingress.
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=_ANSWER, auto_decompress=False) as session:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", serve)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield
        finally:
            await runner.cleanup()


def _kept(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: answer.headers[name] for name in ("Content-Type",) if name in answer.headers}
