"""Consumers of aiokafka that end without ending whoever ends them.

It awaits what it cancels. A task that has not begun, or that waits before it tries again, raises CancelledError then,
which its caller takes for a cancellation of its own, in place of any error (aiokafka's issues 647 and 974).
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka.consumer import consumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator, NoGroupCoordinator


async def _end(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancel them and wait until they are over, by whatever."""
    running = [task for task in tasks if task is not None and not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)


class _Fetcher(Fetcher):  # type: ignore[misc] # aiokafka has no types
    async def close(self) -> None:
        # It first, for it begins the others.
        await _end(self._fetch_task)
        pending: Iterable[asyncio.Task[Any]] = self._pending_tasks
        await _end(*pending)
        self._pending_tasks.clear()
        await super().close()


class _NoGroupCoordinator(NoGroupCoordinator):  # type: ignore[misc]
    async def close(self) -> None:
        await _end(self._reset_committed_task)  # type: ignore[has-type]
        self._reset_committed_task = None


class _GroupCoordinator(GroupCoordinator):  # type: ignore[misc]
    async def _stop_heartbeat_task(self) -> None:
        await _end(self._heartbeat_task)  # type: ignore[has-type]
        self._heartbeat_task = None

    async def _stop_commit_offsets_refresh_task(self) -> None:
        await _end(self._commit_refresh_task)  # type: ignore[has-type]
        self._commit_refresh_task = None


def install() -> None:
    """Have every consumer of the process end so."""
    consumer.Fetcher = _Fetcher
    consumer.NoGroupCoordinator = _NoGroupCoordinator
    consumer.GroupCoordinator = _GroupCoordinator
