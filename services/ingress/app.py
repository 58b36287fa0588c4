"""The webhooks over HTTP: what is answered to whom.

| | |
| --- | --- |
| `/twilio/{tenant}/messages`, `/fallback` | 200, TwiML: a keyword's reply, or none |
| `/twilio/{tenant}/status` | 204 |
| refused | the status and text of `judge.REASONS` |

2xx means: durable. Anything that goes wrong before is 5xx, and Twilio tries again or calls the fallback.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from services.ingress.durable import DurableLog
from services.ingress.judge import Rejected
from services.ingress.lane import LaneServer
from services.ingress.receiving import Call, Webhooks
from services.runtime import http
from services.runtime.config import Settings

# A body that takes longer is not Twilio's, who waits 15 s for the answer.
READ_S = 10.0


def make_server(settings: Settings, log: DurableLog, detail: Callable[[], dict[str, object]]) -> web.Server:
    """Webhooks and operations, without aiohttp's router: it costs a third of such a request."""
    webhooks = Webhooks(settings, log)
    operations = http.operations_by_path(log.unready, detail)
    loop = asyncio.get_running_loop()
    max_body = settings.ingress.max_body_bytes

    async def handle(request: web.BaseRequest) -> web.Response:
        if operation := operations.get(request.raw_path.partition("?")[0]):
            return await operation(request)
        return await _webhook(webhooks, request)

    def request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=max_body)

    return LaneServer(handle, webhooks, max_body, request_factory=request, access_log=None, **http.CONNECTION)


async def _webhook(webhooks: Webhooks, request: web.BaseRequest) -> web.Response:
    """A webhook that came aiohttp's way. Nothing but cancellation escapes."""
    try:
        # An unsigned request's body is not read.
        opened = webhooks.open(Call(request.method, request.raw_path, request.headers))
        kept = webhooks.keep(opened, await _body(request))
        await asyncio.wait([kept.done])
        answer = webhooks.acknowledge(kept)
    except Exception as error:
        answer = webhooks.refuse(error)
    return answer.response()


async def _body(request: web.BaseRequest) -> bytes:
    try:
        async with asyncio.timeout(READ_S):
            return await request.read()
    except TimeoutError as error:
        raise Rejected("slow") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise Rejected("too_large") from error
    except web.RequestPayloadError as error:
        # Chunks or a compression that cannot be read.
        raise Rejected("malformed") from error
