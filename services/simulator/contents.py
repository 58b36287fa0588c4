"""The Content API: `/v1/Content` with its approval requests, and the lists of both versions, all in JSON.

Not confirmed: the order of a list that was asked for none (here as they were made); whether a pattern is looked for
anywhere in a name, as here; that a list of several languages or types is an *or*, as here.
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from services.simulator import errors
from services.simulator.accounts import Account
from services.simulator.errors import Refusal
from services.simulator.guard import guarded, not_found, path_of, refused
from services.simulator.paging import Resource, origin, page_v1
from services.simulator.service import Simulator
from services.simulator.templates import Template, made, submitted


class ContentsApi:
    """Content templates: list, fetch, create, update, delete, submit."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        one = "/v1/Content/{sid}"
        routes = (
            (web.get, "/v1/Content", self._list),
            (web.post, "/v1/Content", self._create),
            (web.get, one, self._fetch),
            (web.put, one, self._update),
            (web.delete, one, self._delete),
            (web.get, f"{one}/ApprovalRequests", self._approval),
            (web.post, f"{one}/ApprovalRequests/whatsapp", self._submit),
            (web.get, "/v1/ContentAndApprovals", self._with_approvals),
            (web.get, "/v2/Content", self._list),
            (web.get, "/v2/ContentAndApprovals", self._with_approvals),
        )
        return [method(path, guarded(self._simulator, handler, "content")) for method, path, handler in routes]

    async def _list(self, request: web.Request, account: Account) -> web.StreamResponse:
        return self._page(request, account, approvals=False)

    async def _with_approvals(self, request: web.Request, account: Account) -> web.StreamResponse:
        return self._page(request, account, approvals=True)

    def _page(self, request: web.Request, account: Account, approvals: bool) -> web.Response:
        found = self._simulator.templates.of(account.sid)
        try:
            found = _filtered(request, found) if path_of(request).startswith("/v2/") else found
        except (re.error, ValueError):
            return refused(errors.INVALID_PARAMETER.about("filter"))
        shown = [_with_approval(one) if approvals else _resource(request, one) for one in found]
        return page_v1(request, "contents", shown)

    async def _create(self, request: web.Request, account: Account) -> web.StreamResponse:
        return self._kept(request, made(account.sid, await _body(request)), 201)

    async def _update(self, request: web.Request, account: Account) -> web.StreamResponse:
        before = self._found(request, account)
        if before is None:
            return not_found(request)
        return self._kept(request, made(account.sid, await _body(request), before), 200)

    def _kept(self, request: web.Request, template: Template | Refusal, status: int) -> web.Response:
        if isinstance(template, Refusal):
            return refused(template)
        self._simulator.templates.put(template)
        return web.json_response(_resource(request, template), status=status)

    async def _fetch(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._found(request, account)
        return not_found(request) if found is None else web.json_response(_resource(request, found))

    async def _delete(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._found(request, account)
        if found is None:
            return not_found(request)
        self._simulator.templates.remove(found.sid)
        return web.Response(status=204)

    async def _approval(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._found(request, account)
        if found is None:
            return not_found(request)
        whatsapp = {"type": "whatsapp", **found.approval.resource()}
        told = {"sid": found.sid, "account_sid": account.sid, "whatsapp": whatsapp}
        return web.json_response({**told, "url": f"{_url(request, found)}/ApprovalRequests"})

    async def _submit(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._found(request, account)
        if found is None:
            return not_found(request)
        asked = submitted(found, await _body(request))
        if isinstance(asked, Refusal):
            return refused(asked)
        self._simulator.templates.put(asked)
        return web.json_response({**asked.approval.resource(), "status": "received"}, status=201)

    def _found(self, request: web.Request, account: Account) -> Template | None:
        return self._simulator.templates.find(account.sid, request.match_info["sid"])


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _url(request: web.Request, template: Template) -> str:
    return f"{origin(request)}/v1/Content/{template.sid}"


def _plain(template: Template) -> Resource:
    return {
        "sid": template.sid, "account_sid": template.account_sid, "friendly_name": template.friendly_name,
        "language": template.language, "variables": dict(template.variables), "types": dict(template.types),
        "date_created": _iso(template.created_at), "date_updated": _iso(template.updated_at),
    }  # fmt: skip


def _with_approval(template: Template) -> Resource:
    return {**_plain(template), "approval_requests": template.approval.resource()}


def _resource(request: web.Request, template: Template) -> Resource:
    url = _url(request, template)
    links = {"approval_create": f"{url}/ApprovalRequests/whatsapp", "approval_fetch": f"{url}/ApprovalRequests"}
    return {**_plain(template), "url": url, "links": links}


def _filtered(request: web.Request, found: Iterable[Template]) -> list[Template]:
    """By the parameters of the second version. Raises ValueError, re.error."""
    query = request.query
    name, text = re.compile(query.get("ContentName", "")), re.compile(query.get("Content", ""))
    since, until = (_moment(query.get(f"DateCreated{one}")) for one in ("After", "Before"))
    languages, types = set(query.getall("Language", [])), set(query.getall("ContentType", []))
    eligible = set(query.getall("ChannelEligibility", []))
    kept = [
        one
        for one in found
        if name.search(one.friendly_name)
        and text.search(one.text)
        and (since is None or since <= one.created_at)
        and (until is None or one.created_at <= until)
        and (not languages or one.language in languages)
        and (not types or not types.isdisjoint(one.types))
        and (not eligible or f"whatsapp:{one.approval.status}" in eligible)
    ]
    if order := query.get("SortByDate"):
        kept.sort(key=lambda one: one.updated_at, reverse=order == "desc")
    if order := query.get("SortByContentName"):
        kept.sort(key=lambda one: one.friendly_name, reverse=order == "desc")
    return kept


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str | None) -> datetime | None:
    """Raises ValueError."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
