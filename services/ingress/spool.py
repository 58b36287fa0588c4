"""The bounded local spool: where facts wait, fsynced, while Kafka is away. Format: `segments`.

Facts are appended to the newest segment and leave with the oldest, a whole segment at a time and only when
Kafka has acknowledged it. A new process begins a new segment, so a torn line can only be a segment's last.
Order is kept.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from services.ingress import aside, disk, metrics, segments
from services.ingress.disk import File
from services.ingress.segments import Fact
from services.runtime.sections.ingress import SpoolSettings

_log = logging.getLogger(__name__)

# Read into memory as a whole, and sent again from its start if ingress dies while it drains.
_SEGMENT_BYTES = 2 << 20


class SpoolFull(Exception):
    """No room is left; Kafka has been away for too long."""


class SpoolStuck(OSError):
    """Facts cannot leave: a segment cannot be read or removed. No more are taken until one does leave."""


class Waiting(NamedTuple):
    """A fact on its way; `done` is resolved when it is durable."""

    fact: Fact
    done: "asyncio.Future[None]"


class Spool:
    """Owned by one process. `append` from the event loop; writing and reading happen in threads."""

    def __init__(self, settings: SpoolSettings) -> None:
        """Open the directory, which must be ours alone. Raises ConfigError."""
        self._directory = settings.directory
        self._max_bytes = settings.max_bytes
        self._lock_fd = disk.lock(self._directory)
        self._sealed = disk.existing(self._directory)
        # A segment's number is that of what was set aside of it, too.
        self._next = 1 + max((int(path.name.split(".")[0]) for path in self._directory.glob("[0-9]*.*")), default=0)
        self._held_bytes = sum(self.held().values())
        self._active: File | None = None
        self._fd = -1
        self._queue: list[tuple[Waiting, bytes]] = []
        self._queued_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._disk = asyncio.Lock()
        self.broken: str | None = None
        self.stuck: SpoolStuck | None = None

    @property
    def size(self) -> int:
        """What waits, in bytes, with what is being written."""
        active = self._active.size if self._active else 0
        return sum(file.size for file in self._sealed) + active + self._queued_bytes

    @property
    def full(self) -> bool:
        """Whether a usual fact (2 KiB) would find no room."""
        return self.size + self._held_bytes + 2048 > self._max_bytes

    @property
    def empty(self) -> bool:
        return not (self._sealed or self._active or self._queue or self._writer)

    @property
    def oldest_age_s(self) -> float:
        """How long the oldest fact has waited; 0 if none does."""
        oldest = next(iter(self._sealed), self._active)
        return max(0.0, time.time() - oldest.since_ms / 1000) if oldest else 0.0

    def append(self, waiting: Waiting) -> None:
        """Take a fact, behind all others; `done` is set once it is durable, or fails: SpoolFull, OSError."""
        if self.stuck:
            waiting.done.set_exception(SpoolStuck(str(self.stuck)))
            return
        line = segments.encode(waiting.fact, time.time_ns() // 1_000_000)
        if self.size + self._held_bytes + len(line) > self._max_bytes:
            waiting.done.set_exception(SpoolFull())
            return
        self._queue.append((waiting, line))
        self._queued_bytes += len(line)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_queue())

    async def take(self) -> tuple[Path, list[Fact]] | None:
        """The oldest segment's path and facts, or None when nothing is on disk. It stays until `remove`.

        Raises SpoolStuck.
        """
        async with self._disk:
            if not self._sealed and self._active:
                self._seal()
            if not self._sealed:
                return None
            path = self._sealed[0].path
            with self._sticking():
                return path, await asyncio.to_thread(disk.read, path)

    async def remove(self, path: Path) -> None:
        """Forget the oldest segment: Kafka has all of it. Raises SpoolStuck."""
        async with self._disk:
            with self._sticking():
                await asyncio.to_thread(path.unlink)
            self._sealed.pop(0)
            self.stuck = None

    async def set_aside(self, fact: Fact) -> None:
        """Keep a fact that the broker will never take (too large, say) in a file of its own, for a person.

        Raises SpoolStuck.
        """
        line = segments.encode(fact, time.time_ns() // 1_000_000)
        path = self._directory / "refused.facts"
        _log.error("the broker refuses a fact of %d bytes; it is kept in %s", len(fact.value), path)
        with self._sticking():
            await asyncio.to_thread(disk.write, path, line)
        metrics.REFUSED.inc()

    def held(self) -> Mapping[str, int]:
        """By tenant, how many bytes are set aside until they are keyed as the tenant's facts are. Reads the folder."""
        found = aside.sizes(self._directory)
        self._held_bytes = sum(found.values())
        return found

    async def divide(self, wrong: Callable[[Fact], str]) -> None:
        """Of all that was appended before, set those aside for which `wrong` names a tenant. Raises SpoolStuck.

        Called in threads. Nothing may be drained meanwhile.
        """
        if queued := [waiting.done for waiting, _ in self._queue]:
            await asyncio.wait(queued)
        async with self._disk:
            self._seal()
        for file in list(self._sealed):
            async with self._disk:
                with self._sticking():
                    size = await asyncio.to_thread(aside.divide, file.path, wrong)
                place = self._sealed.index(file)
                self._sealed[place : place + 1] = [file._replace(size=size)] if size else []
        self.held()

    async def recover(self, tenant: str, right: Callable[[Fact], bool]) -> None:
        """Of what is set aside of a tenant, let those wait again that are right now. Raises SpoolStuck."""
        for path in aside.files(self._directory, tenant):
            async with self._disk:
                self._seal()
                segment = self._directory / f"{self._next:012d}.facts"
                with self._sticking():
                    size = await asyncio.to_thread(aside.recover, path, right, segment)
                if size:
                    self._next += 1
                    self._sealed.append(File(segment, size, time.time_ns() // 1_000_000))
        self.held()

    async def close(self) -> None:
        """Finish writing and give the directory back."""
        if self._writer:
            await self._writer
        async with self._disk:
            self._seal()
        disk.close(self._lock_fd)

    @contextmanager
    def _sticking(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self.stuck is None:
                _log.error("the spool cannot be drained: %s", error)
            self.stuck = SpoolStuck(f"the spool cannot be drained: {error.strerror or error}")
            raise self.stuck from error

    async def _write_queue(self) -> None:
        """Write what has gathered, as one group per fsync, until nothing gathers any more."""
        while self._queue:
            group, self._queue = self._queue, []
            data = b"".join(line for _, line in group)
            async with self._disk:
                error = await self._write(data)
            self._queued_bytes -= len(data)
            for waiting, _ in group:
                _settle(waiting, error)
            if error is None:
                metrics.SPOOLED.inc(len(group))
        self._writer = None

    async def _write(self, data: bytes) -> OSError | None:
        try:
            if self._active is None:
                await asyncio.to_thread(self._begin)
            await asyncio.to_thread(disk.append, self._fd, data)
        except OSError as error:
            # How much of it was written is unknown: what follows goes to another segment.
            self.broken = error.strerror or str(error)
            _log.error("the spool cannot be written: %s", error)
            self._seal()
            return error
        self.broken = None
        if self._active:
            self._active = self._active._replace(size=self._active.size + len(data))
            if self._active.size >= _SEGMENT_BYTES:
                self._seal()
        return None

    def _begin(self) -> None:
        path = self._directory / f"{self._next:012d}.facts"
        self._next += 1
        self._fd = disk.create(path)
        self._active = File(path, 0, time.time_ns() // 1_000_000)

    def _seal(self) -> None:
        if self._active:
            disk.close(self._fd)
            self._sealed.append(self._active)
            self._active = None


def _settle(waiting: Waiting, error: OSError | None) -> None:
    if waiting.done.done():
        return
    if error is None:
        waiting.done.set_result(None)
    else:
        waiting.done.set_exception(error)
