"""The webhooks over HTTP: `/twilio/{tenant}/{kind}`, or `/twilio/{kind}` for all tenants. Nothing else is on their
port.

A kind and its answer are its product's; a refusal is the status and text of `reasons.REASONS`. 2xx means: durable.
Anything that goes wrong before is 5xx, and Twilio tries again or calls the fallback.
"""

import asyncio
from typing import Any

from aiohttp import web

from services.ingress.lane import LaneServer
from services.ingress.reasons import Rejected
from services.ingress.receiving import Webhooks
from services.ingress.turns import Turns
from services.ingress.webhook import Call
from services.runtime.config import Settings
from services.runtime.connections import CONNECTION, Connection, has_gone

# A body that takes longer is not Twilio's, who waits 15 s for the answer.
READ_S = 10.0


def make_server(settings: Settings, webhooks: Webhooks) -> LaneServer:
    """Webhooks, without aiohttp's router: it costs a third of such a request."""
    loop = asyncio.get_running_loop()
    turns = Turns(loop)
    max_body = settings.ingress.max_body_bytes

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await _webhook(webhooks, turns, request)

    def request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=max_body)

    return LaneServer(
        handle,
        webhooks,
        turns,
        max_body,
        per_address=settings.ingress.connections_per_address,
        request_factory=request,
        access_log=None,
        **CONNECTION,
    )


async def _webhook(webhooks: Webhooks, turns: Turns, request: web.BaseRequest) -> web.Response:
    """A webhook that came aiohttp's way. Nothing escapes but cancellation, and that its client has gone."""
    line, call = request.protocol, Call(request.method, request.raw_path, request.headers)
    assert isinstance(line, Connection)
    try:
        # An unsigned request's body is not read.
        opened = webhooks.open(call)
        body = await _body(request)
        if not line.believed:
            await turns.wait(line.address)
        kept = webhooks.keep(opened, body)
        await asyncio.wait([kept.done])
        answer = await webhooks.decide(kept)
    except Exception as error:
        if has_gone(error):
            raise
        answer = webhooks.refuse(error, call)
    line.judged(answer.status < 300)
    if not line.believed:
        turns.refused()
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
