"""Studio's REST API, `/v2/Flows` and all below."""

import json
import re
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from services.simulator import errors
from services.simulator.accounts import Account
from services.simulator.errors import Refusal
from services.simulator.guard import guarded, not_found, refused
from services.simulator.paging import origin, page_v1
from services.simulator.service import Simulator
from services.simulator.studio import definition
from services.simulator.studio.executions import (
    Execution,
    Start,
    Step,
    context_json,
    execution_json,
    step_json,
)
from services.simulator.studio.flows import Flow, Revision, flow_json, iso, revised, revision_json
from services.simulator.studio.steering import StudioSteering
from services.simulator.studio.walk import Studio

_CREATES_A_SECOND = 20
_LONGEST_ENDS = 300
INVALID_DEFINITION = Refusal(400, 81022, "Flow definition is invalid")
ENDS_TOO_LONG = Refusal(400, 81023, "The combined length of To and From exceeds 300 bytes")
_CONFLICT = "Execution %s is already active for this contact. End the active Execution before creating a new one"
CONFLICT = Refusal(409, 20409, _CONFLICT)


class StudioApi:
    """Flows, their revisions and test users; executions, their steps and contexts."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._studio = Studio(simulator)
        self._created: defaultdict[str, deque[float]] = defaultdict(deque)

    def routes(self) -> list[web.RouteDef]:
        flow = "/v2/Flows/{flow}"
        execution = f"{flow}/Executions/{{execution}}"
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
            (web.get, f"{flow}/Executions", self._executions),
            (web.post, f"{flow}/Executions", self._create_execution),
            (web.get, execution, self._execution),
            (web.post, execution, self._end_execution),
            (web.delete, execution, self._delete_execution),
            (web.get, f"{execution}/Context", self._execution_context),
            (web.get, f"{execution}/Steps", self._steps),
            (web.get, f"{execution}/Steps/{{step}}", self._step),
            (web.get, f"{execution}/Steps/{{step}}/Context", self._step_context),
        )
        told = [method(path, guarded(self._simulator, handler, "studio")) for method, path, handler in routes]
        return [*told, *StudioSteering(self._simulator, self._studio).routes()]

    async def _validate(self, request: web.Request, _: Account) -> web.StreamResponse:
        given = _revision(await request.post(), None)
        if isinstance(given, Refusal):
            return refused(given)
        return _invalid(given.errors) if given.errors else web.json_response({"valid": True})

    async def _flows(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._studio.flows.of_account(account.sid)
        return page_v1(request, "flows", [flow_json(flow, _base(request), listed=True) for flow in found])

    async def _create_flow(self, request: web.Request, account: Account) -> web.StreamResponse:
        given = _revision(await request.post(), None)
        if isinstance(given, Refusal):
            return refused(given)
        if given.status == "published" and given.errors:
            return _invalid(given.errors)
        flow = self._studio.flows.create(account.sid, given)
        return web.json_response(flow_json(flow, _base(request)), status=201)

    async def _flow(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = self._found(request, account)
        return not_found(request) if flow is None else web.json_response(flow_json(flow, _base(request)))

    async def _update_flow(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = self._found(request, account)
        if flow is None:
            return not_found(request)
        given = _revision(await request.post(), flow.latest)
        if isinstance(given, Refusal):
            return refused(given)
        if given.status == "published" and given.errors:
            return _invalid(given.errors)
        return web.json_response(flow_json(self._studio.flows.revise(flow, given), _base(request)))

    async def _delete_flow(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = self._found(request, account)
        if flow is None:
            return not_found(request)
        self._studio.flows.delete(flow)
        return web.Response(status=204)

    async def _revisions(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = self._found(request, account)
        if flow is None:
            return not_found(request)
        found = reversed(flow.revisions)
        return page_v1(request, "revisions", [revision_json(flow, one, _base(request), listed=True) for one in found])

    async def _revision(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = self._found(request, account)
        revision = flow.revision(request.match_info["revision"]) if flow else None
        if flow is None or revision is None:
            return not_found(request)
        return web.json_response(revision_json(flow, revision, _base(request)))

    async def _test_users(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = self._found(request, account)
        return not_found(request) if flow is None else web.json_response(_users_json(flow, request))

    async def _set_test_users(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = self._found(request, account)
        if flow is None:
            return not_found(request)
        users = [str(user) for user in (await request.post()).getall("TestUsers", [])]
        return web.json_response(_users_json(self._studio.flows.set_test_users(flow, users), request))

    async def _executions(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = self._found(request, account)
        if flow is None:
            return not_found(request)
        try:
            kept = [one for one in self._studio.executions.of_flow(flow.sid) if _asked_for(one, request.query)]
        except ValueError as error:
            return refused(errors.INVALID_PARAMETER.about(str(error)))
        return page_v1(request, "executions", [execution_json(one, _base(request)) for one in kept])

    async def _create_execution(self, request: web.Request, account: Account) -> web.StreamResponse:
        if self._too_many(account):
            return refused(errors.TOO_MANY_REQUESTS)
        flow = self._found(request, account)
        form = await request.post()
        ends = str(form.get("To", "")).strip(), str(form.get("From", "")).strip()
        if flow is None or (revision := flow.for_contact(ends[0])) is None:
            return not_found(request)
        if not all(ends):
            return refused(errors.INVALID_PARAMETER.about("From" if ends[0] else "To"))
        if len("".join(ends).encode()) > _LONGEST_ENDS:
            return refused(ENDS_TOO_LONG)
        data = definition.read(str(form.get("Parameters") or "{}"))
        if data is None:
            return refused(errors.INVALID_PARAMETER.about("Parameters"))
        if (active := self._studio.executions.active(account.sid, *ends)) is not None:
            body = CONFLICT.about(active.sid).body()
            return web.json_response(body | {"details": {"conflicting_execution_sid": active.sid}}, status=409)
        trigger = {"request": {"to": ends[0], "from": ends[1], "parameters": data}}
        asked = f"RQ{secrets.token_hex(16)}"
        start = Start(account, flow.sid, revision, *ends, "incomingRequest", asked, trigger, dict(data))
        made = self._studio.start(start)
        if self._simulator.dice.happens(self._simulator.dice.faults.error_after):
            return refused(errors.SERVER_ERROR)
        return web.json_response(execution_json(made, _base(request)), status=201)

    def _too_many(self, account: Account) -> bool:
        """Whether the account has started as many in the last second as it may. A refused one counts for nothing."""
        made, now = self._created[account.sid], time.monotonic()
        while made and now - made[0] >= 1:
            made.popleft()
        if len(made) >= _CREATES_A_SECOND:
            return True
        made.append(now)
        return False

    async def _execution(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        return not_found(request) if one is None else web.json_response(execution_json(one, _base(request)))

    async def _end_execution(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        if one is None:
            return not_found(request)
        if (await request.post()).get("Status") != "ended":
            return refused(errors.INVALID_PARAMETER.about("Status"))
        return web.json_response(execution_json(self._studio.end(one.sid), _base(request)))

    async def _delete_execution(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        if one is None:
            return not_found(request)
        self._studio.end(one.sid)
        self._studio.executions.delete(one.sid)
        return web.Response(status=204)

    async def _execution_context(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        if one is None:
            return not_found(request)
        return web.json_response(context_json(one, one.context, origin(request) + request.path))

    async def _steps(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        if one is None:
            return not_found(request)
        return page_v1(request, "steps", [step_json(one, step, _base(request)) for step in reversed(one.steps)])

    async def _step(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        step = _step_of(request, one)
        if one is None or step is None:
            return not_found(request)
        return web.json_response(step_json(one, step, _base(request)))

    async def _step_context(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        step = _step_of(request, one)
        if one is None or step is None:
            return not_found(request)
        told = context_json(one, step.context, origin(request) + request.path)
        return web.json_response(told | {"step_sid": step.sid})

    def _found(self, request: web.Request, account: Account) -> Flow | None:
        return self._studio.flows.find(account.sid, request.match_info["flow"])

    def _walked(self, request: web.Request, account: Account) -> Execution | None:
        flow, sid = self._found(request, account), request.match_info["execution"]
        if flow is None or sid not in self._studio.executions:
            return None
        one = self._studio.executions[sid]
        return one if one.flow_sid == flow.sid else None


def _base(request: web.Request) -> str:
    return f"{origin(request)}{request.path.partition('/Flows')[0]}/Flows"


def _step_of(request: web.Request, one: Execution | None) -> Step | None:
    steps = one.steps if one else ()
    return next((step for step in steps if step.sid == request.match_info["step"]), None)


def _users_json(flow: Flow, request: web.Request) -> dict[str, object]:
    return {"sid": flow.sid, "test_users": list(flow.test_users), "url": f"{_base(request)}/{flow.sid}/TestUsers"}


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


def _asked_for(one: Execution, query: Mapping[str, str]) -> bool:
    """The filters of a list. The OpenAPI writes `status` where the pages write `Status`. Raises ValueError."""
    status = query.get("Status") or query.get("status")
    if status not in (None, "active", "ended"):
        raise ValueError("Status")
    since, until = (_moment(query.get(name), name) for name in ("DateCreatedFrom", "DateCreatedTo"))
    at = iso(one.created_at)
    return status in (None, one.status) and (since is None or at >= since) and (until is None or at <= until)


def _moment(text: str | None, name: str) -> str | None:
    try:
        return iso(datetime.fromisoformat(text)) if text else None
    except ValueError as error:
        raise ValueError(name) from error
