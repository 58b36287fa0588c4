"""One call after another: the budget, pauses that Twilio asks for, and what is no answer."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from services.poller.budget import Budget
from services.poller.reader import CALLS, Reader, Ungiven, Unreadable, Whose, credentials_at, items
from services.runtime.http import serve
from services.runtime.line import Line, way
from services.runtime.tenants.settings import TenantSettings

ACCOUNT = "AC" + "1" * 32


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


async def test_calls_are_evenly_spaced_and_each_account_and_host_has_its_own() -> None:
    clock = Clock()
    budget = Budget(60, lambda: 0.5, clock, clock.sleep)
    moments = []
    for _ in range(5):
        await budget.turn("AC1", "api")
        moments.append(clock.now)
    # Of a call a second for all workers this one, with half of the partitions, makes every other.
    assert moments == [1000, 1002, 1004, 1006, 1008]
    for other in (("AC2", "api"), ("AC1", "studio")):
        await budget.turn(*other)
    assert clock.now == 1008


async def test_who_wait_together_go_one_by_one() -> None:
    clock = Clock()
    budget = Budget(60, lambda: 1.0, clock, clock.sleep)
    moments: list[float] = []

    async def one() -> None:
        await budget.turn("AC1", "api")
        moments.append(clock.now)

    await asyncio.gather(*(one() for _ in range(20)))
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert min(gaps) >= 1.0


async def test_a_pause_holds_whoever_waits_already() -> None:
    clock = Clock()
    budget = Budget(60, lambda: 1.0, clock, clock.sleep)
    await budget.turn("AC1", "api")
    waiting = asyncio.create_task(budget.turn("AC1", "api"))
    await asyncio.sleep(0)
    budget.pause("AC1", "api", 90)
    await waiting
    assert clock.now >= 1090


class Twilio:
    """Answers what it is told to, one after another, and notes when it was asked."""

    def __init__(self) -> None:
        self.answers: list[web.Response] = []
        self.asked: list[tuple[float, str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((time.monotonic(), request.path_qs, request.headers.get("Authorization", "")))
        return self.answers.pop(0)


@pytest.fixture
async def twilio() -> AsyncIterator[tuple[Twilio, Reader]]:
    made, app = Twilio(), web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    server, line = await serve(app, "127.0.0.1", 0, "port"), Line(5, 2)
    leads = way("GET", ("SK1", "s3cret"), ACCOUNT, server.url, "ie1")
    yield made, Reader(line, Budget(60_000, lambda: 1.0), Whose("acme", ACCOUNT, "api", leads))
    await line.close()
    await server.close()


def counted(outcome: str) -> float:
    return CALLS.labels("acme", "api", outcome)._value.get()


async def test_it_waits_as_long_as_twilio_asks(twilio: tuple[Twilio, Reader]) -> None:
    made, reader = twilio
    made.answers = [
        web.json_response({"code": 20429}, status=429, headers={"Retry-After": "0.4"}),
        web.json_response({"messages": []}),
    ]
    before = counted("too_many")
    assert await reader.get("/2010-04-01/x.json", {"DateSent>": "2026-11-29T10:00:00Z"}) == {"messages": []}
    (first, path, who), (second, again, _) = made.asked
    assert second - first >= 0.4
    assert path == again == "/ie1/2010-04-01/x.json?DateSent%3E=2026-11-29T10:00:00Z"
    assert who.startswith("Basic ")
    assert counted("too_many") == before + 1


@pytest.mark.parametrize("status", [400, 301, 422, 408, 500, 503])
async def test_what_one_resource_answers_pauses_no_other(twilio: tuple[Twilio, Reader], status: int) -> None:
    made, reader = twilio
    made.answers = [web.json_response({}, status=status), web.json_response({"messages": []})]
    with pytest.raises(Ungiven):
        await reader.get("/x")
    # At the account's own pace, by its own budget.
    assert await asyncio.wait_for(reader.get("/y"), 0.5) == {"messages": []}


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"a": ' + b"[" * 100_000])
async def test_what_is_no_answer_of_twilios_is_not_asked_for_again_at_once(
    twilio: tuple[Twilio, Reader], body: bytes
) -> None:
    made, reader = twilio
    made.answers = [web.Response(body=body)]
    with pytest.raises(Ungiven):
        await reader.get("/x")
    assert len(made.asked) == 1


async def test_half_a_pair_is_written_as_no_text_could_be(twilio: tuple[Twilio, Reader]) -> None:
    made, reader = twilio
    made.answers = [web.Response(body=b'{"body": "STOP \\ud83d", "whole": "\\ud83d\\ude00"}')]
    found = await reader.get("/x")
    assert found == {"body": "STOP ?", "whole": "\U0001f600"}


async def test_a_link_that_is_no_url_ends_this_list_alone(twilio: tuple[Twilio, Reader]) -> None:
    _, reader = twilio
    with pytest.raises(Ungiven):
        await reader.follow("http://[x")


def test_a_list_holds_objects_alone() -> None:
    assert items({"steps": [None, 7, {"sid": "FT1"}]}, "steps") == [{"sid": "FT1"}]
    assert items({"steps": 7}, "steps") == items({}, "steps") == items(None, "steps") == []


@pytest.mark.parametrize("status", [401, 403])
async def test_who_is_refused_is_not_asked_again_at_once(twilio: tuple[Twilio, Reader], status: int) -> None:
    made, reader = twilio
    made.answers = [web.json_response({}, status=status)]
    with pytest.raises(Unreadable) as told:
        await reader.get("/x")
    assert told.value.refused
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.get("/x"), 0.3)
    assert len(made.asked) == 1


async def test_what_is_not_there_is_none_and_no_failure(twilio: tuple[Twilio, Reader]) -> None:
    made, reader = twilio
    made.answers = [web.json_response({"code": 20404}, status=404), web.json_response({})]
    assert await reader.get("/gone") is None
    assert await reader.get("/there") == {}


async def test_a_page_is_followed_at_our_host_alone(twilio: tuple[Twilio, Reader]) -> None:
    made, reader = twilio
    base = reader.whose.way.base_url
    links = [
        "/p?Page=1&PageToken=PA%2B1",
        f"{base}/p?Page=1&PageToken=PA%2B1",
        "https://evil.example/p?Page=1&PageToken=PA%2B1",
    ]
    for link in links:
        made.answers = [web.json_response({})]
        await reader.follow(link)
    assert {path for _, path, _ in made.asked} == {"/ie1/p?Page=1&PageToken=PA%2B1"}


def test_a_subaccount_without_a_token_is_read_by_its_parents_only_where_paths_name_it() -> None:
    with_token, without = "AC" + "2" * 32, "AC" + "3" * 32
    tenant = TenantSettings(
        account_sid=ACCOUNT,
        auth_tokens=[SecretStr("t")],
        contact_secret=SecretStr("s"),
        subaccounts={with_token: [SecretStr("own")], without: []},
    )
    for host in ("api", "studio", "messaging"):
        assert credentials_at(host, tenant, ACCOUNT) == (ACCOUNT, "t")
        assert credentials_at(host, tenant, with_token) == (with_token, "own")
    assert credentials_at("api", tenant, without) == (ACCOUNT, "t")
    with pytest.raises(Unreadable, match="no token in the settings") as refused:
        credentials_at("studio", tenant, without)
    assert refused.value.refused
