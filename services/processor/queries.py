"""Questions over HTTP: where is a message, what became of a command, may we write to a contact.

Any worker may be asked. One that does not own the key asks the one that does, once; while nobody surely owns it the
answer is 503 with Retry-After, never a wrong one.

A command id is its tenant's own, and the results are keyed by it alone: `/v1/commands/{id}?tenant=…` answers for one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from yarl import URL

from services.contract import codec
from services.domain.messages.timeline import AMBIGUOUS
from services.processor import views
from services.processor.topology import Topology
from services.runtime.clock import now
from services.runtime.folding.app import FoldApp
from services.runtime.folding.fold import Fold
from services.runtime.folding.health import reasons
from services.runtime.folding.lookup import Here, Nowhere, listed, look_up, peers

# Set on a question that was passed on: the asked worker answers or declines, it never passes on again.
_PASSED_ON = "X-Switchboard-Passed-On"
_TIMEOUT = aiohttp.ClientTimeout(total=5)

# The rows of a key by table → what to tell, or None where nothing is known.
View = Callable[[Mapping[str, Any]], object | None]


class Queries:
    """The query routes of one worker."""

    def __init__(self, app: FoldApp, folds: Topology) -> None:
        self._app = app
        self._folds = folds
        self._peers: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/messages/{key}", self._message),
            web.get("/v1/commands/{key:.+}", self._command),
            web.get("/v1/contacts/{key}", self._contact),
            web.get("/v1/ambiguous", self._ambiguous),
        ]

    async def close(self) -> None:
        if self._peers is not None:
            await self._peers.close()

    async def _message(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._folds.messages, lambda rows: views.message(rows["delivery"]))

    async def _command(self, request: web.Request) -> web.Response:
        tenant = request.query.get("tenant")
        return await self._answer(request, self._folds.commands, lambda rows: views.command(rows["commands"], tenant))

    async def _contact(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._folds.contacts, lambda rows: views.contact(rows, now()))

    async def _ambiguous(self, request: web.Request) -> web.Response:
        """The commands whose end is not known, of all workers; asked of a peer, its own alone."""
        if why := reasons(self._app):
            return _later(why[0])
        found = [one for row in listed(self._app, self._folds.commands, AMBIGUOUS) for one in views.doubtful(row)]
        if _PASSED_ON not in request.headers:
            for peer in peers(self._app):
                answer = await self._ask(f"{peer}/v1/ambiguous")
                if answer is None or answer[0] != web.HTTPOk.status_code:
                    return _later(f"the worker at {peer} does not answer")
                found += msgspec.json.decode(answer[1])["commands"]
        return _told({"commands": found})

    async def _answer(self, request: web.Request, fold: Fold, view: View) -> web.Response:
        found = look_up(self._app, fold, request.match_info["key"])
        if isinstance(found, Here):
            return _told(view(found.rows))
        if isinstance(found, Nowhere) or _PASSED_ON in request.headers:
            return _later(found.reason if isinstance(found, Nowhere) else "the key's partition has just moved")
        return await self._pass_on(request, found.url)

    async def _pass_on(self, request: web.Request, owner: str) -> web.Response:
        # As it was quoted: decoded and quoted once more, `a%2541` would be another id than it was.
        answer = await self._ask(f"{owner}{request.rel_url.raw_path_qs}")
        if answer is None:
            return _later("the worker that owns the key does not answer")
        status, body = answer
        headers = {"Retry-After": "1"} if status == web.HTTPServiceUnavailable.status_code else {}
        return web.Response(body=body, status=status, content_type="application/json", headers=headers)

    async def _ask(self, url: str) -> tuple[int, bytes] | None:
        """A peer's status and body, or None when it does not answer."""
        if self._peers is None:
            self._peers = aiohttp.ClientSession(timeout=_TIMEOUT)
        try:
            async with self._peers.get(URL(url, encoded=True), headers={_PASSED_ON: "1"}) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return None


def _told(body: object | None) -> web.Response:
    if body is None:
        return web.json_response({"error": "nothing is known under this id"}, status=404)
    return web.Response(body=codec.encode(body), content_type="application/json")


def _later(reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=503, headers={"Retry-After": "1"})
