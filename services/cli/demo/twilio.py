"""One end: what the simulated Twilio saw and did, by its control API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from services.cli.demo.story import Reply


@dataclass(frozen=True)
class Created:
    """A message that was created for a command; `lived`: its statuses in the order in which it truly had them."""

    sid: str
    command_id: str
    lived: tuple[str, ...]


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


@dataclass(frozen=True)
class TwilioSide:
    """All that Twilio knows: messages created by the API, and every webhook."""

    created: tuple[Created, ...]
    posted: tuple[Posted, ...]


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
        first = await self._post(reply.request)
        if not reply.again:
            return int(first["status"] == 200)
        params = {**reply.request.get("params", {}), "MessageSid": first["sid"]}
        second = await self._post({**reply.request, "params": params})
        return int(first["status"] == 200) + int(second["status"] == 200)

    async def is_quiet(self) -> bool:
        """Whether nothing more will happen by itself."""
        return bool((await self._get("quiet"))["quiet"])

    async def seen(self) -> TwilioSide:
        messages = (await self._get("messages"))["messages"]
        callbacks = (await self._get("callbacks"))["callbacks"]
        return TwilioSide(
            tuple(_created(message) for message in messages if message["direction"] == "outbound-api"),
            tuple(_posted(callback) for callback in callbacks),
        )

    async def _get(self, what: str) -> Any:
        async with self._session.get(f"{self._url}/simulator/{what}") as response:
            response.raise_for_status()
            return await response.json()

    async def _post(self, request: Mapping[str, Any]) -> Any:
        async with self._session.post(f"{self._url}/simulator/inbound", json=request) as response:
            response.raise_for_status()
            return await response.json()


def _created(message: Mapping[str, Any]) -> Created:
    query = parse_qs(urlsplit(message["status_callback"] or "").query)
    lived = tuple(status["status"] for status in message["statuses"])
    return Created(message["sid"], query.get("c", [""])[0], lived)


def _posted(callback: Mapping[str, Any]) -> Posted:
    params, status = callback["params"], callback["http_status"]
    return Posted(
        kind=callback["kind"],
        sid=callback["sid"],
        status=callback["status"],
        content=content(params),
        error_code=int(params["ErrorCode"]) if "ErrorCode" in params else None,
        acknowledged=status is not None and 200 <= status < 300,
        at=datetime.fromisoformat(callback["at"]),
    )
