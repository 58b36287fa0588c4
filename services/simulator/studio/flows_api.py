"""Studio's REST API: flows, their revisions and test users, `/v2/Flows`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from services.simulator import errors
from services.simulator.accounts import Account
from services.simulator.errors import Refusal
from services.simulator.guard import guarded, not_found, refused
from services.simulator.paging import origin, page_v1
from services.simulator.service import Simulator
from services.simulator.studio import definition
from services.simulator.studio.flows import Flow, Revision, flow_json, revised, revision_json
from services.simulator.studio.walk import Studio

INVALID_DEFINITION = Refusal(400, 81022, "Flow definition is invalid")


class FlowsApi:
    """Flows, their revisions and test users."""

    def __init__(self, simulator: Simulator, studio: Studio) -> None:
        self._simulator = simulator
        self._studio = studio

    def routes(self) -> list[web.RouteDef]:
        flow = "/v2/Flows/{flow}"
        routes = (
            (web.post, "/v2/Flows/Validate", self._validate),
            (web.get, "/v2/Flows", self._flows),
            (web.post, "/v2/Flows", self._create_flow),
            (web.get, flow, self._flow),
            (web.post, flow, self._update_flow),
            (web.delete, flow, self._delete_flow),
            (web.get, f"{flow}/Revisions", self._revisions),
            (web.get, f"{flow}/Revisions/{{revision}}", self._revision),
            (web.get, f"{flow}/TestUsers", self._test_users),
            (web.post, f"{flow}/TestUsers", self._set_test_users),
        )
        return [method(path, guarded(self._simulator, handler, "studio")) for method, path, handler in routes]

    async def _validate(self, request: web.Request, _: Account) -> web.StreamResponse:
        given = _revision(await request.post(), None)
        if isinstance(given, Refusal):
            return refused(given)
        return _invalid(given.errors) if given.errors else web.json_response({"valid": True})

    async def _flows(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._studio.flows.of_account(account.sid)
        return page_v1(request, "flows", [flow_json(flow, base_of(request), listed=True) for flow in found])

    async def _create_flow(self, request: web.Request, account: Account) -> web.StreamResponse:
        given = _revision(await request.post(), None)
        if isinstance(given, Refusal):
            return refused(given)
        if given.status == "published" and given.errors:
            return _invalid(given.errors)
        flow = self._studio.flows.create(account.sid, given)
        return web.json_response(flow_json(flow, base_of(request)), status=201)

    async def _flow(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = flow_of(self._studio, request, account)
        return not_found(request) if flow is None else web.json_response(flow_json(flow, base_of(request)))

    async def _update_flow(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = flow_of(self._studio, request, account)
        if flow is None:
            return not_found(request)
        given = _revision(await request.post(), flow.latest)
        if isinstance(given, Refusal):
            return refused(given)
        if given.status == "published" and given.errors:
            return _invalid(given.errors)
        return web.json_response(flow_json(self._studio.flows.revise(flow, given), base_of(request)))

    async def _delete_flow(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = flow_of(self._studio, request, account)
        if flow is None:
            return not_found(request)
        self._studio.flows.delete(flow)
        return web.Response(status=204)

    async def _revisions(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = flow_of(self._studio, request, account)
        if flow is None:
            return not_found(request)
        found = reversed(flow.revisions)
        return page_v1(request, "revisions", [revision_json(flow, one, base_of(request), listed=True) for one in found])

    async def _revision(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = flow_of(self._studio, request, account)
        revision = flow.revision(request.match_info["revision"]) if flow else None
        if flow is None or revision is None:
            return not_found(request)
        return web.json_response(revision_json(flow, revision, base_of(request)))

    async def _test_users(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = flow_of(self._studio, request, account)
        return not_found(request) if flow is None else web.json_response(_users_json(flow, request))

    async def _set_test_users(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = flow_of(self._studio, request, account)
        if flow is None:
            return not_found(request)
        users = [str(user) for user in (await request.post()).getall("TestUsers", [])]
        return web.json_response(_users_json(self._studio.flows.set_test_users(flow, users), request))


def flow_of(studio: Studio, request: web.Request, account: Account) -> Flow | None:
    """The flow that a request names."""
    return studio.flows.find(account.sid, request.match_info["flow"])


def base_of(request: web.Request) -> str:
    """What the URLs of flows begin with."""
    return f"{origin(request)}{request.path.partition('/Flows')[0]}/Flows"


def _users_json(flow: Flow, request: web.Request) -> dict[str, object]:
    return {"sid": flow.sid, "test_users": list(flow.test_users), "url": f"{base_of(request)}/{flow.sid}/TestUsers"}


def _invalid(found: list[dict[str, str]]) -> web.Response:
    return web.json_response(
        INVALID_DEFINITION.body() | {"details": {"errors": found, "warnings": []}}, status=INVALID_DEFINITION.status
    )


def _revision(form: Mapping[str, Any], before: Revision | None) -> Revision | Refusal:
    """The revision that a form states; what it leaves out is as `before`."""
    name = str(form.get("FriendlyName") or (before.friendly_name if before else ""))
    status = str(form.get("Status", ""))
    text = str(form["Definition"]) if "Definition" in form else json.dumps(before.definition) if before else ""
    author = str(form.get("AuthorSid") or "") or None
    if not name:
        return errors.INVALID_PARAMETER.about("FriendlyName")
    if status not in ("draft", "published"):
        return errors.INVALID_PARAMETER.about("Status")
    if author is not None and not re.fullmatch(r"US[0-9a-fA-F]{32}", author):
        return errors.INVALID_PARAMETER.about("AuthorSid")
    told = definition.read(text)
    if told is None:
        return errors.INVALID_PARAMETER.about("Definition")
    return revised(status, name, told, str(form["CommitMessage"]) if form.get("CommitMessage") else None, author)
