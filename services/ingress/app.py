"""The webhooks over HTTP: what is answered to whom.

| | |
| --- | --- |
| `/twilio/{tenant}/messages`, `/fallback` | 200, TwiML: a keyword's reply, or none |
| `/twilio/{tenant}/status` | 204 |
| refused | the status and text of `judge.REASONS` |

2xx means: durable. Anything that goes wrong before is 5xx, and Twilio tries again or calls the fallback.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

import msgspec
from aiohttp import web

from services.contract import codec
from services.contract.topics import INBOUND, STATUS, Topic
from services.ingress import judge, metrics, signature, translate
from services.ingress.durable import DurableLog
from services.ingress.form import Pairs
from services.ingress.judge import REASONS, Rejected
from services.ingress.segments import Fact
from services.ingress.signature import Claim
from services.ingress.spool import SpoolFull
from services.ingress.tenants import Tenant, prepare
from services.ingress.translate import Arrival
from services.runtime import failpoints, http
from services.runtime.clock import now
from services.runtime.config import Settings

_log = logging.getLogger(__name__)

# A body that takes longer is not Twilio's, who waits 15 s for the answer.
READ_S = 10.0
# Twilio may be configured to call with GET.
_METHODS = ("POST", "GET")

Answer = Callable[[Tenant, Pairs, web.BaseRequest], Awaitable[web.Response]]


class Webhooks:
    """The handlers: verify, translate, make durable, answer."""

    def __init__(self, settings: Settings, log: DurableLog, operations: Mapping[str, http.Handler]) -> None:
        self._origins = signature.origins(settings.public_url)
        self._tenants = {name: prepare(name, tenant) for name, tenant in settings.tenants.items()}
        self._log = log
        self._operations = operations
        self._answers = {"messages": self._inbound, "fallback": self._inbound, "status": self._status}
        self._rejected = {reason: metrics.REJECTED.labels(reason) for reason in REASONS}

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer any request. Nothing but cancellation escapes."""
        began = perf_counter()
        path = request.raw_path.partition("?")[0]
        try:
            if operation := self._operations.get(path):
                return await operation(request)
            tenant, answer = self._route(path, request.method)
            pairs = await self._verified(tenant, request)
            response = await answer(tenant, pairs, request)
        except Rejected as rejected:
            return self._refuse(rejected.reason)
        except Exception:
            _log.exception("a webhook failed in a way that should not happen")
            return self._refuse("defect")
        metrics.SECONDS.observe(perf_counter() - began)
        return response

    def _route(self, path: str, method: str) -> tuple[Tenant, Answer]:
        parts = path.rstrip("/").split("/")
        if len(parts) != 4 or parts[1] != "twilio" or parts[3] not in self._answers:
            raise Rejected("path")
        if method not in _METHODS:
            raise Rejected("method")
        tenant = self._tenants.get(parts[2])
        if tenant is None:
            raise Rejected("tenant")
        return tenant, self._answers[parts[3]]

    async def _inbound(self, tenant: Tenant, pairs: Pairs, request: web.BaseRequest) -> web.Response:
        """A message to us: kept, then answered with TwiML."""
        event = translate.inbound(_arrival(tenant, request.headers), pairs)
        await self._keep(INBOUND, event, request.headers)
        tenant.facts.inbound.inc()
        return web.Response(body=tenant.reply(event.body), content_type="text/xml")

    async def _status(self, tenant: Tenant, pairs: Pairs, request: web.BaseRequest) -> web.Response:
        """A message's status: kept, then answered with nothing."""
        event = translate.status(_arrival(tenant, request.headers), pairs, judge.query(request.raw_path))
        await self._keep(STATUS, event, request.headers)
        tenant.facts.status.inc()
        return web.Response(status=204)

    async def _verified(self, tenant: Tenant, request: web.BaseRequest) -> Pairs:
        headers = request.headers
        signed = headers.get("X-Twilio-Signature")
        if signed is None:
            raise Rejected("signature")
        try:
            async with asyncio.timeout(READ_S):
                body = await request.read()
        except TimeoutError as error:
            raise Rejected("slow") from error
        except web.HTTPRequestEntityTooLarge as error:
            raise Rejected("too_large") from error
        except web.RequestPayloadError as error:
            # Chunks or a compression that cannot be read.
            raise Rejected("malformed") from error
        stated = headers.get("X-Twilio-Webhooks-Signature-Settings", "")
        claim = Claim(self._origins, request.raw_path, signed, signature.algorithm(stated))
        return judge.parameters(tenant, claim, request.method, headers, body)

    async def _keep(self, topic: Topic, event: msgspec.Struct, headers: Mapping[str, str]) -> None:
        stated = headers.get("traceparent", "").encode("utf-8", "surrogateescape")
        traceparent = codec.traceparent([("traceparent", stated)])
        key, value = topic.key(event).encode(), codec.encode(event)
        try:
            await self._log.append(Fact(topic.name, key, value, codec.headers(topic.name, traceparent)))
        except (SpoolFull, OSError) as error:
            raise Rejected("unavailable") from error
        failpoints.reach("ingress.durable")

    def _refuse(self, reason: str) -> web.Response:
        self._rejected[reason].inc()
        status, text, headers = REASONS[reason]
        return web.Response(status=status, text=text + "\n", headers=headers)


def make_server(settings: Settings, log: DurableLog, detail: Callable[[], dict[str, object]]) -> web.Server:
    """Webhooks and operations, without aiohttp's router: it costs a third of such a request."""
    webhooks = Webhooks(settings, log, http.operations_by_path(log.unready, detail))
    loop = asyncio.get_running_loop()
    max_body = settings.ingress.max_body_bytes

    def request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=max_body)

    return web.Server(webhooks.handle, request_factory=request, access_log=None, **http.CONNECTION)


def _arrival(tenant: Tenant, headers: Mapping[str, str]) -> Arrival:
    return Arrival(tenant.name, tenant.contact_secret, now(), headers.get("I-Twilio-Idempotency-Token"))
