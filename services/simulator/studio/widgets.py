"""What a widget does, and the event by which it is left."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from multidict import MultiDict

from services.simulator import creation
from services.simulator.accounts import Account
from services.simulator.errors import Refusal
from services.simulator.forms import Form
from services.simulator.message import resource
from services.simulator.service import Simulator
from services.simulator.studio.definition import State
from services.simulator.studio.executions import Context, Executions
from services.simulator.studio.variables import filled

_HTTP_S = 10
_CONDITIONS: Mapping[str, Callable[[str, str], bool]] = {
    "equal_to": lambda given, value: given == value,
    "not_equal_to": lambda given, value: given != value,
    "matches_any_of": lambda given, value: given in [one.strip() for one in value.split(",")],
    "does_not_match_any_of": lambda given, value: given not in [one.strip() for one in value.split(",")],
    "contains": lambda given, value: value in given,
    "starts_with": lambda given, value: given.startswith(value),
    "is_blank": lambda given, _: not given,
    "is_not_blank": lambda given, _: bool(given),
    "regex": lambda given, value: re.search(value, given) is not None,
}


class Widgets:
    """`waiting`: by execution, where its reply is awaited."""

    def __init__(self, simulator: Simulator, executions: Executions) -> None:
        self._simulator = simulator
        self._executions = executions
        self.waiting: dict[str, asyncio.Future[Form]] = {}

    async def run(self, account: Account, sid: str, state: State) -> tuple[str, str | None] | None:
        """The event that leaves the widget and, where it says so itself, the next; None where the flow ends in it."""
        match state["type"]:
            case "send-message":
                return ("sent" if self._send(account, sid, state) else "failed"), None
            case "send-and-wait-for-reply":
                return await self._ask(account, sid, state), None
            case "split-based-on":
                return self._split(sid, state)
            case "set-variables":
                context = self._executions[sid].context
                given = state["properties"].get("variables", [])
                self._executions.set_variables(sid, {one["key"]: filled(one["value"], context) for one in given})
                return "next", None
            case "make-http-request":
                return await self._request(sid, state), None
        return None

    def _send(self, account: Account, sid: str, state: State) -> Context | None:
        """Write to the contact; what became of it is what the widget knows. None where Twilio refuses it."""
        execution = self._executions[sid]
        told = {name: filled(str(value), execution.context) for name, value in state["properties"].items()}
        form = {
            "To": told.get("to") or execution.contact,
            "From": told.get("from") or execution.channel,
            "Body": told.get("body", ""),
            "ContentSid": told.get("content_sid", ""),
        }
        created = self._simulator.create(account, creation.read(MultiDict(form)), "flow")
        if isinstance(created, Refusal):
            self._executions.learn(sid, state["name"], {"outbound": {"ErrorCode": created.code}})
            return None
        self._simulator.begin(created)
        outbound = {
            "Sid": created.message.sid,
            "To": form["To"],
            "Body": form["Body"],
            "From": resource(created.message)["from"],
        }
        self._executions.learn(sid, state["name"], {"outbound": outbound})
        return outbound

    async def _ask(self, account: Account, sid: str, state: State) -> str:
        reply: asyncio.Future[Form] = asyncio.get_running_loop().create_future()
        # It waits before it asks: an answer may be there before the create has returned.
        self.waiting[sid] = reply
        try:
            outbound = self._send(account, sid, state)
            if outbound is None:
                return "deliveryFailure"
            heard = await asyncio.wait_for(reply, float(state["properties"].get("timeout") or 3600))
        except TimeoutError:
            return "timeout"
        finally:
            del self.waiting[sid]
        self._executions.learn(sid, state["name"], {"outbound": outbound, "inbound": dict(heard)})
        return "incomingMessage"

    def _split(self, sid: str, state: State) -> tuple[str, str | None]:
        """The first transition whose conditions all hold. A condition of a kind unknown here holds nowhere."""
        context = self._executions[sid].context
        default = state["properties"].get("input", "")
        for transition in state["transitions"]:
            conditions = transition.get("conditions") or []
            if transition["event"] == "match" and all(_holds(one, default, context) for one in conditions):
                return "match", transition.get("next")
        return "noMatch", None

    async def _request(self, sid: str, state: State) -> str:
        """Ten seconds, as Twilio gives it; unsigned."""
        told, context = state["properties"], self._executions[sid].context
        fields = [(one["key"], filled(one["value"], context)) for one in told.get("parameters", [])]
        body: Any = filled(told["body"], context).encode() if told.get("body") else fields
        headers = {"Content-Type": told.get("content_type", "application/x-www-form-urlencoded;charset=utf-8")}
        method = told.get("method", "POST")
        given = {"params": fields} if method == "GET" else {"data": body, "headers": headers}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_HTTP_S)) as session,
                session.request(method, filled(told["url"], context), **given) as answer,
            ):
                text = await answer.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return "failed"
        self._executions.learn(sid, state["name"], {"status_code": answer.status, "body": text})
        return "success" if answer.status < 400 else "failed"


def _holds(condition: Mapping[str, Any], default: str, context: Context) -> bool:
    given = filled((condition.get("arguments") or [default])[0], context)
    holds = _CONDITIONS.get(condition.get("type", ""))
    return holds is not None and holds(given, filled(str(condition.get("value", "")), context))
