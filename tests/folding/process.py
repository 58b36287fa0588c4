"""A worker's process, and what it says of itself."""

import os
import signal
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from tests.folding.worker import Spec
from tests.forked import Forked
from tests.waiting import eventually


class Worker:
    """A worker's process. What it says is read from a file, so that it never blocks on us."""

    def __init__(self, spec: Spec, home: Path, failpoint: str | None = None) -> None:
        self.spec = spec
        home.mkdir(parents=True, exist_ok=True)
        self._said = home / f"said-{uuid.uuid4().hex[:8]}.jsonl"
        self._log = self._said.with_suffix(".log")
        environment = {**os.environ, "FOLDING_SPEC": msgspec.json.encode(spec).decode()}
        if failpoint:
            environment["TEST_FAILPOINT"] = failpoint
        for file in (self._said, self._log):
            file.touch()
        self.process = Forked("tests.folding.worker", environment=environment, out=self._said, err=self._log)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def said(self, what: str) -> list[Any]:
        """All that it said under a word, oldest first."""
        return [line[what] for line in self.lines() if what in line]

    def lines(self) -> list[dict[str, Any]]:
        complete, _, _ = self._said.read_text().rpartition("\n")
        return [msgspec.json.decode(line) for line in complete.splitlines()]

    def owns(self) -> list[int] | None:
        """Its partitions when it is ready now."""
        told = [line for line in self.lines() if "ready" in line or "waiting" in line]
        assert self.process.poll() is None, f"exit code {self.process.returncode}\n{self.log[-3000:]}"
        return told[-1].get("ready") if told else None

    async def ready(self, partitions: int | None = None, deadline_s: float = 40.0) -> list[int]:
        """Wait until it is ready, with that many partitions if told."""

        def is_ready() -> list[int] | None:
            owned = self.owns()
            return owned if owned and partitions in (None, len(owned)) else None

        return cast(list[int], await eventually(is_ready, deadline_s, f"ready with {partitions} partitions"))

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def froze(self) -> None:
        """Wait until it stopped itself."""
        await eventually(lambda: self.said("frozen"), what="the worker's freezing")

    async def exit_code(self, deadline_s: float = 40.0) -> int:
        await eventually(lambda: self.process.poll() is not None, deadline_s, "the worker's end")
        return cast(int, self.process.returncode)

    async def stop(self) -> Mapping[str, list[Any]]:
        """End it in good order; the rows that it had."""
        self.signal(signal.SIGTERM)
        return await self.shown()

    async def shown(self) -> Mapping[str, list[Any]]:
        """The rows that it had, once it has ended in good order."""
        code = await self.exit_code()
        assert code == 0, f"exit code {code}\n{self.log[-3000:]}"
        return cast(Mapping[str, list[Any]], self.said("shown")[-1])

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def discard(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
