"""A child process and its watch."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from services.embedded.process import Process
from tests.waiting import eventually

# Ctrl-C may come between any two steps of a start.
INTERRUPTED = """
import os, pathlib, random, signal, sys, threading, time
from services.embedded.process import Process

signal.signal(signal.SIGINT, signal.default_int_handler)
moments, begun = random.Random(15), []
for _ in range(60):
    try:
        threading.Timer(moments.uniform(0, 0.02), os.kill, (os.getpid(), signal.SIGINT)).start()
        begun.append(Process(["sleep", sys.argv[1]], pathlib.Path(sys.argv[2]), None))
        time.sleep(10)
    except KeyboardInterrupt:
        pass
for process in begun:
    process.kill()
print(len(begun))
"""


async def test_what_is_interrupted_while_it_starts_is_not_left_behind(tmp_path: Path) -> None:
    name = f"{10**8 + os.getpid()}"
    command = [sys.executable, "-c", INTERRUPTED, name, str(tmp_path / "log")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 60
    await eventually(lambda: not running(name), what="all of them have ended")


def running(name: str) -> list[str]:
    listed = subprocess.run(["ps", "-A", "-o", "stat=,args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if line.endswith(f"sleep {name}")]


async def test_what_cannot_be_run_has_ended_and_says_why(tmp_path: Path) -> None:
    process = Process([str(tmp_path / "nothing")], log := tmp_path / "log", None)
    assert await eventually(lambda: process.exit_code, what="it has ended")
    process.kill()
    assert "nothing" in log.read_text()
