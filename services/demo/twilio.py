"""One end: what the simulated Twilio saw and did, by its control API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from services.demo.script import Reply


@dataclass(frozen=True)
class Created:
    """A message that was created for a command; `lived`: its statuses in the order in which it truly had them."""

    sid: str
    command_id: str
    lived: tuple[str, ...]
    to: str = ""
    body: str = ""
    error_code: int | None = None


@dataclass(frozen=True)
class Execution:
    """A walk through a flow. `steps`: in the order in which they were made, each with its event and where it led."""

    sid: str
    status: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Posted:
    """A webhook as it was posted. `content` is all of its parameters: two with one content are one fact."""

    kind: str
    sid: str
    status: str
    content: str
    error_code: int | None
    acknowledged: bool
    at: datetime
    # Twilio's own date of the message, which the webhook does not tell; in whole seconds.
    dated: datetime | None = None

    @property
    def in_flow(self) -> bool:
        """Whether a flow at Twilio took it, and nobody else."""
        return self.kind == "own"

    @property
    def parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content)
        return found


@dataclass(frozen=True)
class TwilioSide:
    """All that Twilio knows: messages created by the API, every webhook, executions, whether windows are enforced, the
    time.
    """

    created: tuple[Created, ...]
    posted: tuple[Posted, ...]
    executions: tuple[Execution, ...]
    windows_enforced: bool
    now: datetime


def content(parameters: Mapping[str, Any]) -> str:
    """Parameters in one spelling."""
    return json.dumps(parameters, sort_keys=True, ensure_ascii=False)


class Twilio:
    """The simulator's control API under `url`."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def receive(self, reply: Reply) -> int:
        """Let a person write, and Twilio tell us once or twice. How often it was acknowledged."""
        first = await self._ask("POST", "inbound", reply.request)
        if not reply.again:
            return int(first["status"] == 200)
        params = {**reply.request.get("params", {}), "MessageSid": first["sid"]}
        second = await self._ask("POST", "inbound", {**reply.request, "params": params})
        return int(first["status"] == 200) + int(second["status"] == 200)

    async def is_quiet(self) -> bool:
        """Whether nothing more will happen by itself."""
        return bool((await self._ask("GET", "quiet"))["quiet"])

    async def steer(self, route: str, request: Mapping[str, Any]) -> None:
        """Set it: its faults, a Messaging Service, a flow, windows, the clock."""
        await self._ask("PUT", route, request)

    async def executions(self) -> tuple[Execution, ...]:
        """All that were started, in that order."""
        found = (await self._ask("GET", "executions"))["executions"]
        return tuple(Execution(one["sid"], one["status"], tuple(one["steps"])) for one in found)

    async def seen(self) -> TwilioSide:
        messages = (await self._ask("GET", "messages"))["messages"]
        callbacks = (await self._ask("GET", "callbacks"))["callbacks"]
        dates = {one["sid"]: one["resource"]["date_sent"] or one["resource"]["date_created"] for one in messages}
        return TwilioSide(
            # Its own answers to STOP and HELP, and those in answers to webhooks, are nobody's command.
            tuple(_created(message) for message in messages if message["origin"] == "api"),
            tuple(_posted(callback, dates.get(callback["sid"])) for callback in callbacks),
            await self.executions(),
            (await self._ask("GET", "windows"))["enforce"],
            datetime.fromisoformat((await self._ask("GET", "clock"))["now"]),
        )

    async def _ask(self, method: str, route: str, request: Mapping[str, Any] | None = None) -> Any:
        async with self._session.request(method, f"{self._url}/simulator/{route}", json=request) as response:
            response.raise_for_status()
            return await response.json()


def _created(message: Mapping[str, Any]) -> Created:
    query = parse_qs(urlsplit(message["status_callback"] or "").query)
    lived = tuple(status["status"] for status in message["statuses"])
    resource = message["resource"]
    return Created(
        message["sid"], query.get("c", [""])[0], lived, resource["to"], resource["body"], resource["error_code"]
    )


def _posted(callback: Mapping[str, Any], dated: str | None) -> Posted:
    params, status = callback["params"], callback["http_status"]
    return Posted(
        kind=callback["kind"],
        sid=callback["sid"],
        status=callback["status"],
        content=content(params),
        error_code=int(params["ErrorCode"]) if "ErrorCode" in params else None,
        acknowledged=status is not None and 200 <= status < 300,
        at=datetime.fromisoformat(callback["at"]),
        dated=parsedate_to_datetime(dated) if dated else None,
    )
