"""The other end's tables: the processor's answer for every message, asked over HTTP as anyone would."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any

import aiohttp

from services.operations.asking import token_header

_AT_ONCE = 16
_PATIENCE_S = 15.0


async def ask_all(session: aiohttp.ClientSession, url: str, sids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """What the processor at `url` says of each message; one that it does not know is left out."""
    slots, wanted = asyncio.Semaphore(_AT_ONCE), list(sids)

    async def ask(sid: str) -> Mapping[str, Any] | None:
        async with slots:
            return await _ask(session, f"{url}/v1/messages/{sid}")

    found = await asyncio.gather(*(ask(sid) for sid in wanted))
    return {sid: answer for sid, answer in zip(wanted, found, strict=True) if answer is not None}


async def _ask(session: aiohttp.ClientSession, url: str) -> Mapping[str, Any] | None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        async with session.get(url, headers=token_header()) as response:
            if response.status == 404:
                return None
            # A worker that is not sure says so rather than answer wrongly: ask again when it says.
            if response.status != 503 or time.monotonic() > deadline:
                response.raise_for_status()
                answer: Mapping[str, Any] = await response.json()
                return answer
            pause = float(response.headers.get("Retry-After", "1"))
        await asyncio.sleep(pause)
