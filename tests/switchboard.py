"""The command for people, run as a person runs it: as a process, to its end or until it is stopped."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import NamedTuple

from tests.processes import LOOPBACK, SECRETS


class Said(NamedTuple):
    """How a command ended: its exit code, and what it printed."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode() + self.err


async def start(settings: Path, *words: str, **environment: str) -> Process:
    """`switchboard …`, which hears Ctrl-C also where the tests' own shell ignores it."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        "--config",
        str(settings),
        *words,
        env={**os.environ, **LOOPBACK, **SECRETS, **environment},
        stdout=PIPE,
        stderr=PIPE,
        preexec_fn=_hear_ctrl_c,
    )


async def switchboard(settings: Path, *words: str, code: int | None = 0, **environment: str) -> Said:
    """Run it to its end; fails unless it ends with this exit code. None: any."""
    said = await ended(await start(settings, *words, **environment))
    assert code in (None, said.code), said.text
    assert "Traceback" not in said.err, said.err
    return said


async def ended(process: Process) -> Said:
    """What it came to."""
    out, err = await process.communicate()
    assert process.returncode is not None
    return Said(process.returncode, out, err.decode())


def _hear_ctrl_c() -> None:
    # A shell starts what runs in the background with Ctrl-C ignored, and every process inherits that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
