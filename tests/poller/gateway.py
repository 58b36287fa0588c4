"""What stands between us and the simulated Twilio: it holds calls up, refuses them, and gives small pages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from services.embedded.ports import pick


class Gateway:
    """Answers as the simulator does, but for what a test says. `called`: each call's path with its query."""

    def __init__(self, twilio: str) -> None:
        self._twilio = twilio
        self._session = aiohttp.ClientSession()
        self.port = pick()
        self.called: list[str] = []
        # How many calls are held up now.
        self.waiting = 0
        self.page_size: int | None = None
        # Statuses to answer with, one a call; None: as the simulator does. When they are used up: as the simulator.
        self.statuses: list[int | None] = []
        self.headers: dict[str, str] = {}
        self._held: asyncio.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hold(self) -> None:
        """No call from now on is answered until `release`."""
        self._held = asyncio.Event()

    def release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.set()

    def begun(self, path: str) -> int:
        """How often a list was begun to be read: its first page."""
        return sum(one.startswith(path) and "PageToken" not in one for one in self.called)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.called.append(request.path_qs)
        query = dict(request.query)
        if self.page_size is not None and "PageSize" in query:
            query["PageSize"] = str(self.page_size)
        # Twilio lists, and then it takes its time: what is answered is what was so by then.
        async with self._session.get(
            f"{self._twilio}{request.path}",
            params=query,
            headers={"Authorization": request.headers.get("Authorization", "")},
        ) as answer:
            body, status = await answer.read(), answer.status
        told = self.statuses.pop(0) if self.statuses else None
        if self._held is not None:
            self.waiting += 1
            await self._held.wait()
            self.waiting -= 1
        if told is not None:
            return web.Response(status=told, headers=self.headers, text='{"message": "not now"}')
        return web.Response(body=body, status=status, content_type="application/json")


@asynccontextmanager
async def gateway(twilio: str) -> AsyncIterator[Gateway]:
    made = Gateway(twilio)
    app: Any = web.Application()
    app.router.add_get("/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", made.port).start()
        yield made
    finally:
        made.release()
        await runner.cleanup()
        await made._session.close()
