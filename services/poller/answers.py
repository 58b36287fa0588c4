"""What Twilio's hosts answer of a tenant's accounts, to whoever reads its lists whole: within the budget, and again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from services.poller.budget import Budget
from services.poller.reader import Reader, Ungiven

# A page that is not given ends a list, so it is asked for again at once; what still fails ends this reading of it.
_WAITS_S = (1.0, 5.0)
# Twilio takes 20 lists of templates with their approvals a second from an account, since September 2026. Another worker
# may read the same account's for another tenant.
TEMPLATE_LISTS_PER_MINUTE = 600.0


def budget_of_lists(calls_per_minute: float) -> Callable[[str], Budget]:
    """By host. One worker reads a tenant's lists, whatever share of the partitions is its own."""
    every = Budget(calls_per_minute, lambda: 1.0)
    content = Budget(min(calls_per_minute, TEMPLATE_LISTS_PER_MINUTE), lambda: 1.0)
    return lambda host: content if host == "content" else every


class Asked(NamedTuple):
    """An account, and which of Twilio's hosts; `tenant`: whose it is."""

    tenant: str
    account: str
    host: str


class Answers:
    """Of one reading. `reader`: of an account at a host; raises Unreadable where there are no credentials for it."""

    def __init__(self, reader: Callable[[Asked], Reader]) -> None:
        self._reader = reader
        self._readers: dict[Asked, Reader] = {}

    async def get(self, place: Any, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """A resource's JSON; None where Twilio has none there. Raises Ungiven and Unreadable."""
        reader = self._of(place)
        return await _again(lambda: reader.get(path, query))

    async def follow(self, place: Any, link: str) -> dict[str, Any] | None:
        """The page that another one named. Raises Ungiven and Unreadable."""
        reader = self._of(place)
        return await _again(lambda: reader.follow(link))

    def _of(self, place: Any) -> Reader:
        asked = Asked(*place)
        if asked not in self._readers:
            self._readers[asked] = self._reader(asked)
        return self._readers[asked]


async def _again(ask: Callable[[], Awaitable[dict[str, Any] | None]]) -> dict[str, Any] | None:
    for wait_s in _WAITS_S:
        try:
            return await ask()
        except Ungiven:
            await asyncio.sleep(wait_s)
    return await ask()
