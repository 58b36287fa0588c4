"""A question that is passed on is the same question: under the same id, of the same tenant."""

from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from services.domain.messages.commands import CommandResult
from services.domain.messages.timeline import Timeline
from services.processor import queries
from services.processor.queries import Queries
from services.processor.topology import topology
from services.runtime.config import Settings
from services.runtime.folding.lookup import Here, There


def result(tenant: str, number: int) -> CommandResult:
    return CommandResult(
        event_id=str(number), tenant=tenant, command_id="order-1", contact=None, at=f"2026-02-21T18:22:1{number}.123Z",
        step="sent", terminal=True,
    )  # fmt: skip


ROW = Timeline(command_id="order-1", steps={str(n): result(t, n) for n, t in enumerate(["acme", "other", "acme"])})


async def serve(stack: AsyncExitStack, app: Any) -> str:
    asked = Queries(app, topology(Settings()))
    application = web.Application()
    application.add_routes(asked.routes())
    runner = web.AppRunner(application)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    stack.push_async_callback(asked.close)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture
async def workers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """URLs of the worker that owns every key, and of one that owns none; and the keys that the owner was asked for."""
    async with AsyncExitStack() as stack:
        keys: list[str] = []
        owner = await serve(stack, "owner")

        def look_up(app: Any, _: Any, key: str) -> Here | There:
            if app == "other":
                return There(owner)
            keys.append(key)
            return Here({"commands": ROW})

        monkeypatch.setattr(queries, "look_up", look_up)
        yield owner, await serve(stack, "other"), keys


async def ask(url: str) -> tuple[int, list[str]]:
    async with aiohttp.ClientSession() as session, session.get(URL(url, encoded=True)) as answer:
        return answer.status, [step["tenant"] for step in (await answer.json()).get("steps", ())]


@pytest.mark.parametrize("key", ["order-1#retry", "a%41", "a%2541", "a/b", "a?tenant=b", "a+b", "[/x]", "é", "a%"])
async def test_the_id_is_passed_on_as_it_was_quoted(workers: Any, key: str) -> None:
    owner, other, keys = workers
    for asked in (owner, other):
        await ask(f"{asked}/v1/commands/{quote(key, safe='')}")
    assert keys == [key, key]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("", (200, ["acme", "other", "acme"])),
        ("?tenant=acme", (200, ["acme", "acme"])),
        ("?tenant=other", (200, ["other"])),
        ("?tenant=nobody", (404, [])),
    ],
)
async def test_a_commands_steps_are_those_of_the_tenant_asked_for(workers: Any, query: str, answer: Any) -> None:
    for asked in workers[:2]:
        assert await ask(f"{asked}/v1/commands/order-1{query}") == answer
