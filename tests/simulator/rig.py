"""What the tests hold: an endpoint that the simulator calls, and clients that call the simulator."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientSession, encode_basic_auth, web
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from services.runtime.config import Settings
from services.runtime.tenants.live import Tenants
from services.simulator.app import serve

ACCOUNT = "AC" + "a" * 32
SUBACCOUNT = "AC" + "b" * 32
API_KEY = "SK" + "c" * 32
SERVICE = "MG" + "d" * 32
TOKEN, SECOND_TOKEN, SUB_TOKEN, API_SECRET = "first-token", "second-token", "sub-token", "api-secret"


def serving(settings: Settings) -> AbstractAsyncContextManager[str]:
    """The simulator of these settings' tenants."""
    return serve(settings, Tenants(settings.tenants))


@dataclass
class Received:
    """One request that the endpoint got: the path with its query, the form's pairs, the headers."""

    path: str
    form: list[tuple[str, str]]
    headers: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return dict(self.form)[name]


@dataclass
class Endpoint:
    """A webhook endpoint: what it got, and the answers it gives in turn (then 204 for ever)."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[web.Response | float] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        form = parse_qsl(await request.text(), keep_blank_values=True)
        self.received.append(Received(request.path_qs, form, dict(request.headers)))
        answer = self.answers.pop(0) if self.answers else web.Response(status=204)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return web.Response(status=204)
        return answer

    def statuses(self, sid: str) -> list[str]:
        return [got["MessageStatus"] for got in self.received if got["MessageSid"] == sid]


class RedirectedClient(AsyncTwilioHttpClient):
    """Twilio's HTTP client, calling the simulator where it would call api.twilio.com."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=20)
        self.base_url = base_url

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return await super().request(method, url.replace("https://api.twilio.com", self.base_url), *args, **kwargs)


@dataclass
class Rig:
    """A running simulator: its URL, a session for its control API, and clients by credentials."""

    url: str
    session: ClientSession
    clients: list[RedirectedClient] = field(default_factory=list)

    def client(self, user: str = ACCOUNT, password: str = TOKEN, account: str | None = None) -> Client:
        http = RedirectedClient(self.url)
        self.clients.append(http)
        return Client(user, password, account, http_client=http)

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.url}/simulator/{path}") as response:
            return await response.json()

    async def send(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        async with self.session.request(method, f"{self.url}/simulator/{path}", json=body) as response:
            return response.status, await response.json()

    async def hear(self, person: str, ours: str, body: str, **more: Any) -> Any:
        """Let a person write to us; what the simulator answers."""
        request = {"account_sid": ACCOUNT, "from": person, "to": ours, "body": body, **more}
        status, answer = await self.send("POST", "inbound", request)
        assert status == 200, answer
        return answer

    async def set_service(self, sid: str = SERVICE, **settings: Any) -> None:
        status, answer = await self.send("PUT", f"services/{sid}", settings)
        assert status == 200, answer

    async def reaches(self, to: str, **sender: str) -> bool:
        """Whether a create is taken; False when it is refused because the person opted out."""
        try:
            await self.client().messages.create_async(to=to, body="Offer", **sender)
        except TwilioRestException as refused:
            if (refused.status, refused.code) != (400, 21610):
                raise
            return False
        return True

    async def records(self, origin: str) -> list[Any]:
        """The messages of this origin, oldest first."""
        return [one for one in (await self.get("messages"))["messages"] if one["origin"] == origin]

    async def set_faults(self, **faults: Any) -> None:
        status, answer = await self.send("PUT", "faults", {"callback_delay_s": 0.01, **faults})
        assert status == 200, answer

    async def quiet(self) -> None:
        await eventually(self._is_quiet)

    async def _is_quiet(self) -> bool:
        return (await self.get("quiet"))["quiet"]


async def eventually(condition: Callable[[], Awaitable[bool]], deadline_s: float = 20) -> None:
    """Poll until the condition holds; fail at the deadline."""
    async with asyncio.timeout(deadline_s):
        while not await condition():  # noqa: ASYNC110 - the condition is on the other side of HTTP
            await asyncio.sleep(0.01)


def basic() -> dict[str, str]:
    """The header that opens the account, for requests that Twilio's client would not make."""
    return {"Authorization": encode_basic_auth(ACCOUNT, TOKEN)}
