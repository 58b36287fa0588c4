"""Questions over HTTP: where is a message, what became of a command, may we write to a contact.

Any worker may be asked. One that does not own the key asks the one that does, once; while nobody surely owns it the
answer is 503 with Retry-After, never a wrong one. A key is that of the topic: a command's is `{tenant}|{command id}`.

Who asks has shown a token (`access`). What is not its tenant's does not exist for it. Numbers are masked unless it may
see them; then the worker that answers tells of it first (`audit`).
"""

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from yarl import URL

from services.contract import codec
from services.contract.fold import PROCESSOR_APPS
from services.domain.messages.timeline import AMBIGUOUS
from services.domain.reachability import RestRule
from services.processor import views
from services.processor.access import GRANT, Grant
from services.processor.audit import Audit
from services.processor.topology import Topology
from services.runtime.clock import now
from services.runtime.directories import Directories
from services.runtime.folding.app import FoldApp
from services.runtime.folding.fold import Fold
from services.runtime.folding.health import reasons
from services.runtime.folding.lookup import Here, Nowhere, Reading, listed, look_up, peers, read_rows
from services.runtime.folding.partition import Partition

# Set on a question that was passed on: the asked worker answers or declines, it never passes on again.
_PASSED_ON = "X-Switchboard-Passed-On"
# Who asks, and what they say of it: the worker that answers judges by it, and tells of it.
_CARRIED = ("Authorization", "X-Reason", "traceparent")
_TIMEOUT = aiohttp.ClientTimeout(total=5)
# Of one message: as many as may be configured.
_MOST_TENANTS = 10_000

# The rows of a key by table, and whether to mask → what to tell, or None where nothing is known.
View = Callable[[Mapping[str, Any], bool], Mapping[str, Any] | None]
# What is told → whose it is.
Whose = Callable[[Mapping[str, Any]], str]


class Queries:
    """The query routes of one worker. `rests`: by tenant and channel, when a number is left alone."""

    def __init__(
        self,
        apps: Mapping[str, FoldApp],
        folds: Topology,
        directories: Directories,
        rests: Mapping[str, Mapping[str, RestRule]],
        audit: Audit,
    ) -> None:
        self._directories = directories
        self._rests = rests
        # By app id: those of the groups that this worker folds.
        self._apps = apps
        self._folds = folds
        self._audit = audit
        self._peers: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/messages/{key}", self._message),
            web.get("/v1/commands/{key:.+}", self._command),
            web.get("/v1/contacts/{key}", self._contact),
            web.get("/v1/executions/{key}", self._execution),
            web.get("/v1/ambiguous", self._ambiguous),
            web.get("/v1/pauses/{key}", self._pauses),
        ]

    async def close(self) -> None:
        if self._peers is not None:
            await self._peers.close()

    async def _message(self, request: web.Request) -> web.Response:
        """Of whose token it is, or whom `?tenant=` names; else of whoever sent it."""
        tenant = _grant(request).tenant or request.query.get("tenant")
        return await self._answer(
            request,
            self._folds.messages,
            lambda rows, masked: views.message(rows["delivery"], masked, tenant),
            lambda told: str(told["tenant"]),
            _of_message,
        )

    async def _command(self, request: web.Request) -> web.Response:
        return await self._of_the_key(
            request, self._folds.commands, lambda rows, masked: views.command(rows["commands"], masked)
        )

    async def _contact(self, request: web.Request) -> web.Response:
        directory, rules = self._directories.of(_tenant(request)), self._rests.get(_tenant(request), {})
        # There is no address in it.
        return await self._of_the_key(
            request, self._folds.contacts, lambda rows, _: views.contact(rows, now(), directory, rules)
        )

    async def _execution(self, request: web.Request) -> web.Response:
        """Of whose token it is, or whom `?tenant=` names."""
        tenant = _grant(request).tenant or request.query.get("tenant")
        return await self._answer(
            request,
            self._folds.executions,
            lambda rows, masked: views.execution(rows["executions"], masked, tenant),
            lambda told: str(told["tenant"]),
            _of_execution,
        )

    async def _pauses(self, request: web.Request) -> web.Response:
        """What is paused; `key` is any that a partition has, for all partitions have the same."""
        tenant = _grant(request).tenant
        return await self._answer(
            request,
            self._folds.contacts,
            lambda rows, masked: views.pauses(rows["pauses"], tenant, masked),
            lambda _: tenant or "",
        )

    async def _ambiguous(self, request: web.Request) -> web.Response:
        """The commands whose end is not known, of all workers; asked of a peer, its own alone."""
        app = self._apps.get(self._folds.commands.contract.app)
        if app is None:
            return _elsewhere(self._folds.commands)
        if why := reasons(app):
            return _later(why[0])
        grant = _grant(request)
        rows = [row for row in listed(app, self._folds.commands, AMBIGUOUS) if grant.covers(row.tenant)]
        found = [one for row in rows for one in views.doubtful(row, not grant.unmasked)]
        if found and (refused := await self._unrecorded(request, {row.tenant for row in rows})):
            return refused
        if _PASSED_ON not in request.headers:
            for peer in peers(app):
                answer = await self._ask(request, f"{peer}/v1/ambiguous")
                if answer is None or answer[0] != web.HTTPOk.status_code:
                    return _later(f"the worker at {peer} does not answer")
                found += msgspec.json.decode(answer[1])["commands"]
        return _told({"commands": found})

    async def _of_the_key(self, request: web.Request, fold: Fold, view: View) -> web.Response:
        """The answer for a key that names its tenant."""
        tenant = _tenant(request)
        return (
            await self._answer(request, fold, view, lambda _: tenant) if _grant(request).covers(tenant) else _told(None)
        )

    async def _answer(
        self, request: web.Request, fold: Fold, view: View, whose: Whose, read: Reading = read_rows
    ) -> web.Response:
        app = self._apps.get(fold.contract.app)
        if app is None:
            return _elsewhere(fold)
        found = look_up(app, fold, request.match_info["key"], read)
        if isinstance(found, Here):
            return await self._shown(request, view(found.rows, not _grant(request).unmasked), whose)
        if isinstance(found, Nowhere) or _PASSED_ON in request.headers:
            return _later(found.reason if isinstance(found, Nowhere) else "the key's partition has just moved")
        return await self._pass_on(request, found.url)

    async def _shown(self, request: web.Request, told: Mapping[str, Any] | None, whose: Whose) -> web.Response:
        if told is None or not _grant(request).covers(tenant := whose(told)):
            return _told(None)
        return await self._unrecorded(request, {tenant}) or _told(told)

    async def _unrecorded(self, request: web.Request, tenants: set[str]) -> web.Response | None:
        """The refusal to show what is unmasked, where it cannot be told that it was shown."""
        grant = _grant(request)
        if not grant.unmasked or await self._audit.looked(request, grant, sorted(tenants)):
            return None
        return _later("this look at unmasked data cannot be recorded now")

    async def _pass_on(self, request: web.Request, owner: str) -> web.Response:
        # As it was quoted: decoded and quoted once more, `a%2541` would be another id than it was.
        answer = await self._ask(request, f"{owner}{request.rel_url.raw_path_qs}")
        if answer is None:
            return _later("the worker that owns the key does not answer")
        status, body = answer
        headers = {"Retry-After": "1"} if status == web.HTTPServiceUnavailable.status_code else {}
        return web.Response(body=body, status=status, content_type="application/json", headers=headers)

    async def _ask(self, request: web.Request, url: str) -> tuple[int, bytes] | None:
        """A peer's status and body, or None when it does not answer."""
        if self._peers is None:
            self._peers = aiohttp.ClientSession(timeout=_TIMEOUT)
        headers = {name: request.headers[name] for name in _CARRIED if name in request.headers}
        try:
            async with self._peers.get(URL(url, encoded=True), headers={**headers, _PASSED_ON: "1"}) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return None


def _grant(request: web.Request) -> Grant:
    return request[GRANT]


def _tenant(request: web.Request) -> str:
    """The tenant that a key begins with."""
    tenant, _, _ = request.match_info["key"].partition("|")
    return tenant


def _of_message(partition: Partition, sid: str) -> dict[str, Any]:
    """A message has a row for each tenant that spoke of it."""
    keys = partition.under("delivery", f"{sid} ", _MOST_TENANTS)
    return {"delivery": [row for key in keys if (row := partition.read(key, "delivery"))]}


def _of_execution(partition: Partition, sid: str) -> dict[str, Any]:
    """As of a message: tenants may share an account."""
    keys = partition.under("executions", f"{sid} ", _MOST_TENANTS)
    return {"executions": [row for key in keys if (row := partition.read(key, "executions"))]}


def _told(body: object | None) -> web.Response:
    if body is None:
        return web.json_response({"error": "nothing is known under this id"}, status=404)
    return web.Response(body=codec.encode(body), content_type="application/json")


def _elsewhere(fold: Fold) -> web.Response:
    group = next(name for name, app in PROCESSOR_APPS.items() if app == fold.contract.app)
    error = f"this worker does not fold {group}; ask one that has it in processor.groups"
    return web.json_response({"error": error}, status=web.HTTPMisdirectedRequest.status_code)


def _later(reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=503, headers={"Retry-After": "1"})
