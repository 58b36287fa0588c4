"""Several apps in one process: each folds for itself, and the process lives or ends as one."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.runtime.folding.app import FoldApp
from services.runtime.folding.lifetime import run_apps
from services.runtime.folding.showing import SHOWING


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What metrics of the whole process show goes back to what it was."""
    monkeypatch.setattr(SHOWING, "behind", SHOWING.behind)
    monkeypatch.setattr(SHOWING, "tables", SHOWING.tables)


class App:
    """What `run_apps` needs of an app."""

    def __init__(
        self, crash: BaseException | None = None, stops: BaseException | None = None, crashes_then: bool = False
    ) -> None:
        self.crash_reason: BaseException | None = None
        self.crashes: Callable[[BaseException], None] = lambda _: None
        self._crash, self._stops, self._crashes_then = crash, stops, crashes_then
        self.stopped = False
        self._crashed = asyncio.Event()
        self.runner = SimpleNamespace(tick=lambda _: None)

    def finalize(self) -> None:
        pass

    async def start(self) -> None:
        if self._crash is not None:
            self._crashes(self._crash)

    async def stop(self) -> None:
        self.stopped = True
        if self._stops is not None:
            if self._crashes_then:
                self._crashes(self._stops)
            raise self._stops

    def _crashes(self, reason: BaseException) -> None:
        if self.crash_reason is None:
            self.crashes(reason)
            self.crash_reason = reason
            self._crashed.set()


def run(*apps: App, stop: asyncio.Event) -> Any:
    return asyncio.wait_for(run_apps([cast(FoldApp, app) for app in apps], stop), 20)


async def test_all_stop_when_told() -> None:
    apps, stop = [App(), App()], asyncio.Event()
    running = asyncio.create_task(run(*apps, stop=stop))
    await asyncio.sleep(0)
    assert not running.done()
    stop.set()
    await running
    assert all(app.stopped for app in apps)


async def test_what_crashes_one_stops_the_others_and_comes_out() -> None:
    """Else the process would go on, look alive, and fold only half of what it is there for."""
    well = App()
    with pytest.raises(OSError, match="broken"):
        await run(well, App(OSError("broken")), App(), stop=asyncio.Event())
    assert well.stopped


@pytest.mark.parametrize("crashes_then", [False, True])
async def test_the_cause_comes_out_and_not_what_then_failed_elsewhere(crashes_then: bool) -> None:
    other = App(stops=RuntimeError("no partition to leave"), crashes_then=crashes_then)
    with pytest.raises(OSError, match="broken"):
        await run(other, App(OSError("broken")), stop=asyncio.Event())
