"""A worker that has nothing to do asks seldom, and a record waits no longer for that."""

import asyncio
import time
from collections.abc import Iterable
from statistics import median
from typing import Any

from services.runtime.folding.health import reasons
from services.runtime.folding.lifetime import run_app
from tests.folding import tally
from tests.folding.rig import Rig
from tests.folding.tally import Fact, Tally
from tests.folding.test_commits import app_of
from tests.waiting import eventually


async def test_what_comes_after_a_rest_is_folded_at_once_though_little_is_asked(rig: Rig) -> None:
    folded: list[float] = []

    def fold(state: Tally | None, fact: Fact) -> Any:
        folded.append(time.monotonic())
        return tally.fold(state, fact)

    app = app_of(rig, fold)
    stop = asyncio.Event()
    running = asyncio.create_task(run_app(app, stop))
    await eventually(lambda: running.done() or not reasons(app), 40, "ready")
    # Rows are on the changelog, which is not read again.
    await rig.tell(rig.facts(9))
    await eventually(lambda: len(folded) == 9, what="folded")
    await asyncio.sleep(1)
    asked = requests_of(app)
    await asyncio.sleep(3)
    assert 1 <= len(asked) <= 9
    assert {topic for topics in asked for topic in topics} == {rig.source}

    waits = []
    for number in range(9):
        folded.clear()
        # Whenever it comes in the time that a fetch waits.
        await asyncio.sleep(0.55 + number * 0.05)
        (fact,) = rig.facts(1)
        await rig.tell([Fact(f"rested-{number}", fact.key)])
        told = time.monotonic()
        await eventually(lambda: bool(folded), what="folded")
        waits.append(folded[0] - told)
    assert median(waits) < 0.1
    stop.set()
    await asyncio.wait_for(running, 40)


def requests_of(app: Any) -> list[list[str]]:
    """The topics that each fetch names, from now on."""
    fetcher, asked = app.consumer._thread._consumer._fetcher, []
    process = fetcher._proc_fetch_request

    def noted(assignment: Any, node: Any, request: Any) -> Any:
        asked.append(_topics(request.topics))
        return process(assignment, node, request)

    fetcher._proc_fetch_request = noted
    return asked


def _topics(named: Iterable[Any]) -> list[str]:
    return [topic for topic, _ in named]
