"""A product's calls: one after the other while there is time, each to the host that the product names."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from services.domain.outbox.facts import Created, Unknown
from services.runtime.line import Line
from services.runtime.tenants.settings import TenantSettings
from services.sender.calling import TwilioCaller
from services.sender.outbound import Request
from services.sender.outcomes import Outcome, Refusal, Taken

TENANT = TenantSettings(account_sid="AC" + "a" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("s"))


class Rooms:
    """A host where a room may be taken: to enter it somebody else must leave first. `stays`: nobody ever does."""

    def __init__(self) -> None:
        self.stays = False
        self.asked: list[str] = []
        self.taken = True
        app = web.Application()
        app.router.add_post("/rooms/7", self._enter)
        app.router.add_post("/rooms/7/leave", self._leave)
        self.server = TestServer(app)

    async def _enter(self, request: web.Request) -> web.Response:
        self.asked.append(f"enter {(await request.text())}")
        if self.taken:
            return web.json_response({"code": 20409, "message": "taken", "by": "EN1"}, status=409)
        return web.json_response({"sid": "EN2"}, status=201)

    async def _leave(self, _: web.Request) -> web.Response:
        self.asked.append("leave")
        self.taken = self.stays
        return web.json_response({})


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    found = Rooms()
    await found.server.start_server()
    yield found
    await found.server.close()


def entering() -> Request:
    """Enter; where it is taken, have the other leave, and enter then."""

    def entered(answered: Taken | Refusal | Unknown) -> Outcome | Request:
        if isinstance(answered, Taken):
            return Created(sid="EN2")
        if isinstance(answered, Refusal) and b"EN1" in answered.body:
            return Request("/rooms/7/leave", b"", lambda left: entering() if isinstance(left, Taken) else left)
        return answered

    return Request("/rooms/7", b"who=me", entered)


async def make(rooms: Rooms, host: str = "rooms", time_for: int = 9) -> Outcome:
    line = Line(5.0, 2)
    urls = {"rooms": str(rooms.server.make_url("")).rstrip("/"), "api": "http://127.0.0.1:1"}
    try:
        return await TwilioCaller(TENANT, line, urls).make(host, entering(), lambda: len(rooms.asked) <= time_for)
    finally:
        await line.close()


async def test_one_call_follows_from_the_answer_to_another(rooms: Rooms) -> None:
    assert await make(rooms) == Created(sid="EN2")
    assert rooms.asked == ["enter who=me", "leave", "enter who=me"]


async def test_what_may_not_go_on_between_two_calls_is_given_back_to_be_tried_after_a_while(rooms: Rooms) -> None:
    end = await make(rooms, time_for=0)
    assert isinstance(end, Refusal)
    # It was called: at once, a slow host would be called again and again.
    assert (end.called, end.reached, end.retryable, end.code) == (True, True, True, None)
    assert rooms.asked == ["enter who=me"]


async def test_one_attempt_makes_few_calls_whatever_its_answers(rooms: Rooms) -> None:
    rooms.stays = True
    end = await make(rooms)
    assert isinstance(end, Refusal)
    assert (end.retryable, end.code) == (True, None)
    assert rooms.asked == ["enter who=me", "leave"] * 2


async def test_a_host_has_its_own_base_url(rooms: Rooms) -> None:
    end = await make(rooms, host="api")
    assert isinstance(end, Refusal)
    assert not end.reached
    assert rooms.asked == []
