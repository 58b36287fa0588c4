"""The command for people, run as a person runs it: as a process, to its end or until it is stopped."""

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.forked import Forked
from tests.processes import LOOPBACK, SECRETS
from tests.waiting import eventually


class Said(NamedTuple):
    """How a command ended: its exit code, and what it printed."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode() + self.err


class Command:
    """`switchboard …` while it runs. What it prints goes to files, so that it never waits for us."""

    def __init__(self, settings: Path, *words: str, **environment: str) -> None:
        self._said = tempfile.TemporaryDirectory(prefix="switchboard-said-")
        self._out, self._err = Path(self._said.name, "out"), Path(self._said.name, "err")
        self.process = Forked(
            "tests.failpoint",
            "--config",
            str(settings),
            *words,
            environment={**os.environ, **LOOPBACK, **SECRETS, **environment},
            out=self._out,
            err=self._err,
        )

    async def ended(self) -> Said:
        """What it came to. Its time limit is the test's."""
        await eventually(lambda: self.process.poll() is not None, float("inf"))
        with self._said:
            return Said(self.process.wait(), self._out.read_bytes(), self._err.read_text())


async def switchboard(settings: Path, *words: str, code: int | None = 0, **environment: str) -> Said:
    """Run it to its end; fails unless it ends with this exit code. None: any."""
    said = await Command(settings, *words, **environment).ended()
    assert code in (None, said.code), said.text
    assert "Traceback" not in said.err, said.err
    return said
