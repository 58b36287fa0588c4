"""Executions that Twilio does not give, among others that it does, by one account's real budget of calls."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from services.domain.clock import later
from services.domain.consent.keywords import NO_WORDS
from services.domain.studio.watching import ExecutionRead, FlowRead, ReadingFailed, Watch
from services.poller.budget import Budget
from services.poller.polled import Party, Read
from services.poller.reader import Reader, Unreadable, Whose
from services.poller.studio import read
from services.runtime.http import serve
from services.runtime.line import Line, way

ACCOUNT, T = "AC" + "1" * 32, "2026-11-29T20:00:00.000Z"
PARTY = Party("acme", b"secret", NO_WORDS)


class Shown:
    """A Twilio that has every execution, and answers one its own way. `asked`: of which it was asked."""

    def __init__(self) -> None:
        self.broken: dict[str, web.Response] = {}
        self.steps: list[Any] = []
        self.pages: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        parts = request.path.split("/")
        if len(parts) == 5:
            self.asked.append(request.query_string)
            return web.json_response(self.pages[request.query.get("Page", request.query.get("Status", "begun"))])
        sid = parts[5]
        self.asked.append(sid)
        if sid in self.broken:
            return self.broken[sid]
        if request.path.endswith("/Context"):
            return web.json_response({"code": 20404}, status=404)
        if request.path.endswith("/Steps"):
            return web.json_response({"steps": self.steps})
        return web.json_response({"sid": sid, "status": "active", "date_created": T})


@pytest.fixture
async def twilio() -> AsyncIterator[tuple[Shown, Reader]]:
    shown, app = Shown(), web.Application()
    app.router.add_get("/{path:.*}", shown.answer)
    server, line = await serve(app, "127.0.0.1", 0, "port"), Line(5, 8)
    leads = way("GET", (ACCOUNT, "s3cret"), ACCOUNT, server.url, "us1")
    yield shown, Reader(line, Budget(60_000, lambda: 1.0), Whose("acme", ACCOUNT, "studio", leads))
    await line.close()
    await server.close()


def watch(sid: str, place: float = 0, **other: Any) -> Watch:
    fields = {"tenant": "acme", "account_sid": ACCOUNT, "flow_sid": "FW1", "execution_sid": sid, "told_at": T}
    return Watch(**fields | {"again_at": later(T, place)} | other)


def rows(count: int) -> dict[str, Watch]:
    return {f"FN{place:02} acme": watch(f"FN{place:02}", place) for place in range(count)}


async def readings(reader: Reader, due: dict[str, Watch]) -> list[Read]:
    found: list[Read] = []

    async def tell(some: list[Read]) -> None:
        found.extend(some)

    await read(reader, PARTY, due, tell)
    return found


@pytest.mark.parametrize("status", [500, 503, 400, 418])
async def test_it_holds_no_other_up_and_is_read_again_later(twilio: tuple[Shown, Reader], status: int) -> None:
    shown, reader = twilio
    shown.broken["FN00"] = web.json_response({}, status=status)
    found = {one.key: one.event for one in await readings(reader, rows(20))}
    assert isinstance(found.pop("FN00 acme"), ReadingFailed)
    assert sorted(found) == [f"FN{number:02} acme" for number in range(1, 20)]
    assert all(isinstance(event, ExecutionRead) for event in found.values())


async def test_what_twilio_never_wrote_in_a_list_is_passed_over(twilio: tuple[Shown, Reader]) -> None:
    shown, reader = twilio
    shown.steps = [None, "FT1", {"sid": "FT2", "name": "next", "date_created": T}, {"sid": "FT3"}]
    [one] = await readings(reader, rows(1))
    assert [step.step_sid for step in one.event.steps] == ["FT2"]


async def test_a_context_that_is_not_there_yet_is_asked_for_twice_more(twilio: tuple[Shown, Reader]) -> None:
    shown, reader = twilio
    shown.steps = [{"sid": "FT1", "name": "incomingMessage", "transitioned_from": "ask", "date_created": T}]
    [one] = await readings(reader, {"FN00 acme": watch("FN00")})
    assert (one.event.unshown, one.event.steps, one.event.replies) == (1, (), ())
    [one] = await readings(reader, {"FN00 acme": watch("FN00", missed=2)})
    assert (one.event.unshown, len(one.event.steps)) == (0, 1)
    # Nobody is named here whom it could be a word of.
    assert (one.event.unattributed, one.event.replies) == (1, ())


async def test_a_flow_is_told_page_by_page_and_first_with_what_ended_before_it_was_read(
    twilio: tuple[Shown, Reader],
) -> None:
    shown, reader = twilio

    def page(*sids: str, following: str | None = None) -> dict[str, Any]:
        listed = [{"sid": sid, "status": "active", "date_created": T} for sid in sids]
        return {"executions": listed, "meta": {"next_page_url": following}}

    following = "/v2/Flows/FW1/Executions?Page=1"
    shown.pages = {"active": page("FN1", following=following), "1": page("FN2"), "ended": page("FN3")}
    found = await readings(reader, {"FW1 acme": watch("", told_at=later(T, 90))})
    events = [one.event for one in found if isinstance(one.event, FlowRead)]
    told = [([one.execution_sid for one in event.found or ()], event.page, event.whole) for event in events]
    assert told == [(["FN1"], 0, False), (["FN2"], 1, False), (["FN3"], 2, True)]
    assert shown.asked[-1].startswith("DateCreatedFrom=2026-11-29T20:00:30Z")


async def test_an_account_that_may_not_be_read_is_asked_no_further(twilio: tuple[Shown, Reader]) -> None:
    shown, reader = twilio
    shown.broken = {f"FN{number:02}": web.json_response({}, status=401) for number in range(8)}
    # What is under way has asked by then; whoever waits for the pause is not waited for here.
    with pytest.raises((Unreadable, TimeoutError)):
        await asyncio.wait_for(readings(reader, rows(20)), 1)
    assert max(shown.asked) <= "FN07"
