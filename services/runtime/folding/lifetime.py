"""Apps that fold, from their start to their end: they end together, and with them the process, whatever crashed one."""

import asyncio
import gc
import logging
import os
import threading
from collections.abc import Sequence
from itertools import chain

from services.runtime.clock import now
from services.runtime.folding.app import FoldApp
from services.runtime.folding.showing import SHOWING

# New objects between two searches for garbage in cycles. Consumed records live by the thousand until their flush; with
# CPython's 700 a third of a fold's CPU went into looking at them again and again.
_COLLECT_AFTER = 50_000
# Less than an orchestrator waits before it kills.
_STOP_CRASHED_S = 10.0
_END_S = 5.0
# How late a timer may be told; its event carries the time that it was due.
_TICK_S = 0.5

logger = logging.getLogger(__name__)


async def run_app(app: FoldApp, stop: asyncio.Event) -> None:
    """`run_apps`, of one."""
    await run_apps([app], stop)


async def run_apps(apps: Sequence[FoldApp], stop: asyncio.Event) -> None:
    """Start the apps and wait for `stop`. Raises what crashed one of them, when something did: then all stop.

    Whatever the event loop waits for: a crashed process has ended some seconds later.
    """
    gc.set_threshold(_COLLECT_AFTER)
    watch = _Watch()
    for app in apps:
        app.crashes = watch.crashed
    SHOWING.behind = lambda: chain.from_iterable(app.behind() for app in apps)
    SHOWING.tables = lambda: chain.from_iterable(app.databases() for app in apps)
    ending = asyncio.Event()
    told = asyncio.create_task(_pass_on(stop, ending))
    try:
        ended = await asyncio.gather(*(_run_until(app, ending) for app in apps), return_exceptions=True)
    finally:
        told.cancel()
        watch.cancel()
    # What the first of them crashed by, before what ending then failed of another.
    for why in (watch.cause, *ended):
        if why is not None:
            raise why


async def _pass_on(stop: asyncio.Event, ending: asyncio.Event) -> None:
    await stop.wait()
    ending.set()


async def _run_until(app: FoldApp, ending: asyncio.Event) -> None:
    """Run the app; when it ends, by whatever, all are to end."""
    try:
        await _run_app(app, ending)
    finally:
        ending.set()


async def _run_app(app: FoldApp, stop: asyncio.Event) -> None:
    app.finalize()
    await app.start()
    waits = {asyncio.create_task(stop.wait()), asyncio.create_task(app._crashed.wait())}
    ticking = asyncio.create_task(_tick(app))
    waits.add(ticking)
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if ticking.done():
            # Without timers nothing would ever expire again.
            await app.crash(ticking.exception() or RuntimeError("the timers stopped"))
    finally:
        for task in waits:
            task.cancel()
    if (reason := app.crash_reason) is None:
        await app.stop()
        return
    await _stop_crashed(app)
    raise reason


class _Watch:
    """Ends the process from a thread of its own: Faust's threads wait for each other, and for the event loop.

    `cause`: what the first of the apps that crashed did so by.
    """

    def __init__(self) -> None:
        self.cause: BaseException | None = None
        self._timer: threading.Timer | None = None

    def crashed(self, reason: BaseException) -> None:
        if self._timer is not None:
            return
        self.cause = reason
        self._timer = threading.Timer(_STOP_CRASHED_S + _END_S, self._end, (reason,))
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @staticmethod
    def _end(reason: BaseException) -> None:
        logger.error("crashed by %r, and everything waits; the process ends all the same", reason)
        logging.shutdown()
        os._exit(1)


async def _tick(app: FoldApp) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        app.runner.tick(now())


async def _stop_crashed(app: FoldApp) -> None:
    """Stop what still can be stopped. What crashed may never answer, and only an ended process is started again."""
    stopping = asyncio.create_task(app.stop())
    await asyncio.wait({stopping}, timeout=_STOP_CRASHED_S)
    if not stopping.done():
        logger.error("the crashed app does not stop; its process ends all the same")
    elif stopping.cancelled():
        # Faust cancels what it waits for, itself among it.
        logger.error("the crashed app did not stop cleanly: it was cancelled")
    elif (error := stopping.exception()) is not None:
        logger.error("the crashed app did not stop cleanly: %r", error)
