"""A question that is passed on is the same question: under the same key."""

from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from services.domain.messages.timeline import Timeline
from services.domain.results import CommandResult
from services.processor import queries
from services.processor.access import Access
from services.processor.audit import Audit
from services.runtime.config import Settings
from services.runtime.folding.lookup import Here, There
from services.runtime.tenants.live import Tenants
from services.runtime.tokens import TokenSettings, digest
from tests.processes import SHOWN, TOKEN
from tests.processor.serving import serve


def result(number: int) -> CommandResult:
    return CommandResult(
        event_id=str(number), tenant="acme", command_id="order-1", contact=None, at=f"2026-02-21T18:22:1{number}.123Z",
        step="sent", terminal=True,
    )  # fmt: skip


ROW = Timeline(tenant="acme", command_id="order-1", steps={str(n): result(n) for n in range(3)})


def access() -> Access:
    return Access({"tests": TokenSettings(sha256=digest(TOKEN))}, Tenants())


@pytest.fixture
async def workers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """URLs of the worker that owns every key, and of one that owns none; and the keys that the owner was asked for."""
    async with AsyncExitStack() as stack:
        keys: list[str] = []
        owner = await serve(stack, "owner", access(), Audit(Settings().kafka))

        def look_up(app: Any, _: Any, key: str, _read: Any) -> Here | There:
            if app == "other":
                return There(owner)
            keys.append(key)
            return Here({"commands": ROW})

        monkeypatch.setattr(queries, "look_up", look_up)
        yield owner, await serve(stack, "other", access(), Audit(Settings().kafka)), keys


async def ask(url: str) -> int:
    async with aiohttp.ClientSession(headers=SHOWN) as session, session.get(URL(url, encoded=True)) as answer:
        return answer.status


@pytest.mark.parametrize(
    "key", ["acme|order-1#retry", "a%41", "a%2541", "a/b", "a?b=c", "a+b", "[/x]", "é", "a%", "|a|b"]
)
async def test_the_id_is_passed_on_as_it_was_quoted(workers: Any, key: str) -> None:
    owner, other, keys = workers
    for asked in (owner, other):
        assert await ask(f"{asked}/v1/commands/{quote(key, safe='')}") == 200
    assert keys == [key, key]
