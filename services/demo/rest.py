"""Knowing when nothing moves any more: at Twilio, in the sender's rows, on the log, in the folds."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp
from aiokafka.admin import AIOKafkaAdminClient

from services.checker.history import History
from services.demo.log import LogReader
from services.demo.twilio import Twilio
from services.operations.folded import behind
from services.runtime.config import Settings
from services.runtime.kafka import client_options

_POLL_S = 0.25
# Of a history that moved while it was read, and how long it may take to rest.
_READINGS, _REST_S = 3, 60.0


class Rest:
    """Asks all of them. `settings` say where they are."""

    def __init__(self, settings: Settings, reader: LogReader, twilio: Twilio, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._reader = reader
        self._twilio = twilio
        self._session = session

    async def wait(self, deadline_s: float) -> str | None:
        """Return None once nothing moves; after `deadline_s` seconds say what still did."""
        admin = AIOKafkaAdminClient(**client_options(self._settings.kafka))
        await admin.start()
        started, still, before = time.monotonic(), "", -1
        try:
            while time.monotonic() - started < deadline_s:
                moving = await self._moving(admin)
                count = len(self._reader.log.entries)
                # Each was asked at a moment of its own: only if nothing came in between does it hold for all.
                if moving is None and count == before:
                    return None
                still, before = moving or "the log still grows", count if moving is None else -1
                await asyncio.sleep(_POLL_S)
        finally:
            await admin.close()
        return still

    async def _moving(self, admin: AIOKafkaAdminClient) -> str | None:
        if not await self._twilio.is_quiet():
            return "Twilio has webhooks to post"
        if count := await self._open_commands():
            return f"{count} commands are not settled"
        if not await self._reader.has_all():
            return "the log still grows"
        return await behind(admin, self._reader.log.last)

    async def _open_commands(self) -> int:
        async with self._session.get(f"{self._settings.sender.url}/readyz") as response:
            return int((await response.json())["open_commands"])


async def read_at_rest(
    read: Callable[[], Awaitable[History]], wait: Callable[[float], Awaitable[str | None]]
) -> History:
    """The history, read while nothing moved: what is done by the clock may come in between. After three readings it is
    the last, as it was."""
    for _ in range(_READINGS - 1):
        history = await read()
        if history.settled:
            return history
        await wait(_REST_S)
    return await read()
