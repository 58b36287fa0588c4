"""A look counts from when it is asked for, once, and Lookup is called when that is on the log."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from services.domain.messages import lines
from services.domain.messages.lines import Asked, LineAsked
from services.domain.reachability import PhoneLine
from services.runtime.clock import now
from services.runtime.tenants.sections.reachability import LookupSettings
from services.sender import lookups
from services.sender.lookup import Answer
from services.sender.lookups import Lookups
from services.sender.tables import LOOKED_UP
from tests.waiting import eventually


class Rows:
    """A partition: what is submitted is folded at once, and committed when it is let go."""

    partition = 0

    def __init__(self) -> None:
        self.asked: Asked | None = None
        self.gate = asyncio.Event()

    def read(self, _: str, table: str) -> Any:
        return self.asked if table == LOOKED_UP else None

    async def submit(self, event: Any, folded: Callable[[], None] = lambda: None) -> None:
        if isinstance(event, LineAsked):
            self.asked, _ = lines.fold(self.asked, event)
        folded()
        await self.gate.wait()


def command(name: str) -> Any:
    return SimpleNamespace(tenant="acme", contact=f"acme|{name}", channel="sms", country="US", to=name)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    numbers: list[str] = []

    async def look_up(*args: Any) -> Answer:
        numbers.append(args[-1])
        return Answer(PhoneLine(at=now(), type="mobile"))

    monkeypatch.setattr(lookups, "look_up", look_up)
    return numbers


async def test_lookup_is_called_when_the_look_is_on_the_log_and_each_counts_once(called: list[str]) -> None:
    tenant = SimpleNamespace(lookup=LookupSettings(daily=2), spend=SimpleNamespace(currency="USD"))
    tenants: Any = {"acme": tenant}
    line: Any = None
    rows: Any = Rows()
    looks = Lookups(tenants, line, "", 1)
    await looks.taken(rows)
    for count, name in enumerate(("one", "two"), 1):
        assert looks.wanted(rows, command(name), now())
        looks.ask(rows, command(name))
        for _ in range(5):
            await asyncio.sleep(0)
        assert rows.asked.count == count
    assert not looks.wanted(rows, command("three"), now())
    for _ in range(20):
        await asyncio.sleep(0)
    assert called == []
    rows.gate.set()
    await eventually(lambda: called == ["one", "two"])
    await looks.leaving(rows)
