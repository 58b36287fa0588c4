"""Studio's REST API: executions of a flow, their steps and contexts, `/v2/Flows/{flow}/Executions`."""

import secrets
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime

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
from services.simulator.studio.flows import iso
from services.simulator.studio.flows_api import base_of, flow_of
from services.simulator.studio.walk import Studio

_CREATES_A_SECOND = 20
_LONGEST_ENDS = 300
ENDS_TOO_LONG = Refusal(400, 81023, "The combined length of To and From exceeds 300 bytes")
_CONFLICT = "Execution %s is already active for this contact. End the active Execution before creating a new one"
CONFLICT = Refusal(409, 20409, _CONFLICT)


class ExecutionsApi:
    """Executions, their steps and contexts."""

    def __init__(self, simulator: Simulator, studio: Studio) -> None:
        self._simulator = simulator
        self._studio = studio
        self._created: defaultdict[str, deque[float]] = defaultdict(deque)

    def routes(self) -> list[web.RouteDef]:
        executions = "/v2/Flows/{flow}/Executions"
        execution = f"{executions}/{{execution}}"
        routes = (
            (web.get, executions, self._executions),
            (web.post, executions, self._create_execution),
            (web.get, execution, self._execution),
            (web.post, execution, self._end_execution),
            (web.delete, execution, self._delete_execution),
            (web.get, f"{execution}/Context", self._execution_context),
            (web.get, f"{execution}/Steps", self._steps),
            (web.get, f"{execution}/Steps/{{step}}", self._step),
            (web.get, f"{execution}/Steps/{{step}}/Context", self._step_context),
        )
        return [method(path, guarded(self._simulator, handler, "studio")) for method, path, handler in routes]

    async def _executions(self, request: web.Request, account: Account) -> web.StreamResponse:
        flow = flow_of(self._studio, request, account)
        if flow is None:
            return not_found(request)
        try:
            kept = [one for one in self._studio.executions.of_flow(flow.sid) if _asked_for(one, request.query)]
        except ValueError as error:
            return refused(errors.INVALID_PARAMETER.about(str(error)))
        return page_v1(request, "executions", [execution_json(one, base_of(request)) for one in kept])

    async def _create_execution(self, request: web.Request, account: Account) -> web.StreamResponse:
        if self._too_many(account):
            return refused(errors.TOO_MANY_REQUESTS)
        flow = flow_of(self._studio, request, account)
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
        return web.json_response(execution_json(made, base_of(request)), status=201)

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
        return not_found(request) if one is None else web.json_response(execution_json(one, base_of(request)))

    async def _end_execution(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        if one is None:
            return not_found(request)
        if (await request.post()).get("Status") != "ended":
            return refused(errors.INVALID_PARAMETER.about("Status"))
        return web.json_response(execution_json(self._studio.end(one.sid), base_of(request)))

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
        return page_v1(request, "steps", [step_json(one, step, base_of(request)) for step in reversed(one.steps)])

    async def _step(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        step = _step_of(request, one)
        if one is None or step is None:
            return not_found(request)
        return web.json_response(step_json(one, step, base_of(request)))

    async def _step_context(self, request: web.Request, account: Account) -> web.StreamResponse:
        one = self._walked(request, account)
        step = _step_of(request, one)
        if one is None or step is None:
            return not_found(request)
        told = context_json(one, step.context, origin(request) + request.path)
        return web.json_response(told | {"step_sid": step.sid})

    def _walked(self, request: web.Request, account: Account) -> Execution | None:
        flow, sid = flow_of(self._studio, request, account), request.match_info["execution"]
        if flow is None or sid not in self._studio.executions:
            return None
        one = self._studio.executions[sid]
        return one if one.flow_sid == flow.sid else None


def _step_of(request: web.Request, one: Execution | None) -> Step | None:
    steps = one.steps if one else ()
    return next((step for step in steps if step.sid == request.match_info["step"]), None)


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
