"""Questions over HTTP: where is a message, what became of a command. Any worker may be asked.

A worker that does not own the key asks the one that does, once; while nobody surely owns it the answer is 503 with
Retry-After, never a wrong one.

A command id is its tenant's own, and the results are keyed by it alone: `/v1/commands/{id}?tenant=…` answers for one.
"""

import aiohttp
from aiohttp import web
from yarl import URL

from services.contract import codec
from services.domain.messages.delivery import Delivery
from services.domain.messages.errors import explain
from services.domain.messages.timeline import Timeline
from services.processor.topology import COMMANDS, DELIVERY
from services.runtime.folding.app import FoldApp
from services.runtime.folding.fold import Fold
from services.runtime.folding.lookup import Here, Nowhere, look_up

# Set on a question that was passed on: the asked worker answers or declines, it never passes on again.
_PASSED_ON = "X-Switchboard-Passed-On"
_TIMEOUT = aiohttp.ClientTimeout(total=5)


class Queries:
    """The query routes of one worker."""

    def __init__(self, app: FoldApp) -> None:
        self._app = app
        self._peers: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/messages/{key}", self._message),
            web.get("/v1/commands/{key:.+}", self._command),
        ]

    async def close(self) -> None:
        if self._peers is not None:
            await self._peers.close()

    async def _message(self, request: web.Request) -> web.Response:
        return await self._answer(request, DELIVERY)

    async def _command(self, request: web.Request) -> web.Response:
        return await self._answer(request, COMMANDS)

    async def _answer(self, request: web.Request, fold: Fold) -> web.Response:
        found = look_up(self._app, fold, request.match_info["key"])
        if isinstance(found, Here):
            return _row(found.row, request.query.get("tenant"))
        if isinstance(found, Nowhere) or _PASSED_ON in request.headers:
            return _later(found.reason if isinstance(found, Nowhere) else "the key's partition has just moved")
        return await self._pass_on(request, found.url)

    async def _pass_on(self, request: web.Request, owner: str) -> web.Response:
        if self._peers is None:
            self._peers = aiohttp.ClientSession(timeout=_TIMEOUT)
        try:
            # As it was quoted: decoded and quoted once more, `a%2541` would be another id than it was.
            url = URL(f"{owner}{request.rel_url.raw_path_qs}", encoded=True)
            async with self._peers.get(url, headers={_PASSED_ON: "1"}) as answer:
                headers = {"Retry-After": "1"} if answer.status == web.HTTPServiceUnavailable.status_code else {}
                return web.Response(
                    body=await answer.read(), status=answer.status, content_type="application/json", headers=headers
                )
        except (aiohttp.ClientError, TimeoutError):
            return _later("the worker that owns the key does not answer")


def _row(row: Delivery | Timeline | None, tenant: str | None) -> web.Response:
    body = delivery_view(row) if isinstance(row, Delivery) else timeline_view(row, tenant) if row else None
    if body is None:
        return web.json_response({"error": "nothing is known under this id"}, status=404)
    return web.Response(body=codec.encode(body), content_type="application/json")


def delivery_view(row: Delivery) -> dict[str, object]:
    """A message as people want it: the row, with what is read off it."""
    info = explain(row.error_code) if row.error_code else None
    return {
        "message_sid": row.message_sid,
        "tenant": row.tenant,
        "status": row.status,
        "final": row.final,
        "error_code": row.error_code,
        "error_category": info.category if info else None,
        "remedy": info.remedy if info else None,
        "contact": row.contact,
        "command_id": row.command_id,
        "from": row.from_,
        "to": row.to,
        "segments": row.segments,
        "steps": {status: step.at for status, step in sorted(row.steps.items(), key=lambda item: item[1].at)},
    }


def timeline_view(row: Timeline, tenant: str | None = None) -> dict[str, object] | None:
    """A command's steps, in order: of one tenant, or of all that used its id. None where that tenant did not."""
    steps = [step for step in row.ordered if tenant in (None, step.tenant)]
    return {"command_id": row.command_id, "steps": steps} if steps else None


def _later(reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=503, headers={"Retry-After": "1"})
