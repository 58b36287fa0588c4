"""Several apps in one process: each folds for itself, and the process lives or ends as one."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.runtime.folding.app import FoldApp, run_apps
from services.runtime.folding.showing import SHOWING


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What metrics of the whole process show goes back to what it was."""
    monkeypatch.setattr(SHOWING, "behind", SHOWING.behind)
    monkeypatch.setattr(SHOWING, "tables", SHOWING.tables)


class App:
    """What `run_apps` needs of an app."""

    def __init__(self, crash: BaseException | None = None, stops: BaseException | None = None) -> None:
        self.crash_reason = crash
        self._stops = stops
        self.stopped = False
        self._crashed = asyncio.Event()
        if crash is not None:
            self._crashed.set()
        self.runner = SimpleNamespace(tick=lambda _: None)

    def finalize(self) -> None:
        pass

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.stopped = True
        if self._stops is not None:
            raise self._stops


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


async def test_the_cause_comes_out_and_not_what_then_failed_elsewhere() -> None:
    with pytest.raises(OSError, match="broken"):
        await run(App(stops=RuntimeError("no partition to leave")), App(OSError("broken")), stop=asyncio.Event())
