"""`switchboard demo` as a person runs it: a process of its own, with everything real."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.local.errors import LocalError
from services.local.layout import asked_ports
from tests.terminal import terminal
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "services.cli", "demo")

pytestmark = pytest.mark.timeout(400)


@contextlib.contextmanager
def started(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A demo under way, its throw-away things in `folder`."""
    demo = subprocess.Popen(
        [*COMMAND, *options],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield demo
    finally:
        demo.kill()
        demo.wait()
        if demo.stdout:
            demo.stdout.close()


def read_until(demo: subprocess.Popen[str], text: str) -> str:
    """What it says up to the line that holds `text`."""
    said = ""
    for line in demo.stdout or ():
        said += line
        if text in line:
            return said
    pytest.fail(f"it ended before it said {text!r}:\n{said}")


def processes() -> dict[int, int]:
    """Parents by process; a dead one that nobody has reaped is none."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    rows = (line.split() for line in listed.stdout.splitlines())
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


def descendants(pid: int) -> set[int]:
    parents = processes()
    found, before = {pid}, 0
    while len(found) > before:
        before = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found - {pid}


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("switchboard-")]


def assert_checked(folder: Path) -> None:
    """`switchboard check` finds the live log good, keeps it, and finds the same in what it kept."""
    (settings,) = folder.glob("switchboard-*/*.yaml")
    command = [sys.executable, "-m", "services.cli", "check"]
    environment = {**os.environ, "SWITCHBOARD_CONFIG": str(settings)}
    record = [*command, "--record", str(folder / "kept")]
    live = subprocess.run(record, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert live.returncode == 0, (live.stdout + live.stderr).decode()
    assert re.search(r"Promises held: \d+, broken: 0\.", live.stdout.decode())
    kept = subprocess.run([*command, str(folder / "kept")], cwd=ROOT, capture_output=True, check=False)
    assert kept.stdout == live.stdout


def test_once_plays_the_story_and_both_ends_agree(tmp_path: Path) -> None:
    # Enough for every kind of command and of reply that the story has.
    with started(tmp_path, "--once", "--commands", "40") as demo:
        said, _ = demo.communicate()
    assert demo.returncode == 0, said
    assert "Both ends agree." in said
    assert "\x1b" not in said
    assert "✗" not in said
    assert leftovers(tmp_path) == []


def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        began = time.monotonic()
        with started(tmp_path, "--once", "--port", f"processor={number}") as demo:
            said, _ = demo.communicate()
    assert demo.returncode == 2
    assert f"port is taken: {number} (for processor); choose others" in said
    assert "Traceback" not in said
    assert "Kafka" not in said, f"it started things first ({time.monotonic() - began:.0f} s)"


def test_a_port_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    with started(tmp_path, "--port", "kafka=99999") as demo:
        said, _ = demo.communicate()
    assert demo.returncode == 2
    assert "does not exist" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("option", ["kafka", "kitchen=80", "kafka=http"])
def test_a_port_that_says_nothing_is_one_too(option: str) -> None:
    with pytest.raises(LocalError, match=f"--port {option}"):
        asked_ports(0, [option])


@pytest.mark.slow
async def test_it_stays_up_beside_another_that_is_interrupted_and_every_line_that_it_prints_works(
    tmp_path: Path,
) -> None:
    folder, beside = tmp_path / "one", tmp_path / "other"
    for each in (folder, beside):
        each.mkdir()
    run = terminal(folder)
    # Both start at one time.
    with started(folder, "--commands", "20") as demo, started(beside, "--commands", "2000") as other_demo:
        await _interrupted_in_the_middle(other_demo, beside)
        said = read_until(demo, "Everything stays up")
        children = descendants(demo.pid)
        assert_checked(folder)
        shown = said.partition("In another terminal:")[2].splitlines()
        export, produce, results, trace, why, contact, other = [line.strip() for line in shown if line.startswith("  ")]
        run(export, produce)
        # The clock is the true one again: a first message of one's own has not expired.
        await eventually(lambda: '"step":"sent"' in run(export, results), deadline_s=30, what="its result")
        await eventually(lambda: "command sent" in run(export, trace), deadline_s=30, what="its timeline")
        assert "the recipient opted out of" in run(export, why)
        # Her STOP was lifted by her START.
        assert "no opt-out stands" in run(export, contact)
        assert "command sent" in run(export, other)
        demo.send_signal(signal.SIGTERM)
        demo.communicate()
    assert demo.returncode == 0, said
    await eventually(lambda: not children & processes().keys(), what="all children are gone")
    assert leftovers(folder) == []


async def _interrupted_in_the_middle(demo: subprocess.Popen[str], folder: Path) -> None:
    """Ctrl-C leaves nothing."""
    read_until(demo, "the first command was sent")
    children = descendants(demo.pid)
    assert len(children) >= 5
    demo.send_signal(signal.SIGINT)
    said, _ = demo.communicate()
    assert demo.returncode == 130, said
    assert "Stopped; nothing is left running." in said
    assert "Traceback" not in said
    await eventually(lambda: not children & processes().keys(), what="all children are gone")
    assert leftovers(folder) == []


@pytest.mark.slow
async def test_killed_it_takes_its_children_along(tmp_path: Path) -> None:
    with started(tmp_path, "--commands", "2000") as demo:
        read_until(demo, "the first command was sent")
        children = descendants(demo.pid)
        demo.kill()
        await eventually(lambda: not children & processes().keys(), what="all children are gone")
    await eventually(lambda: leftovers(tmp_path) == [], what="the throw-away folder is gone")


@pytest.mark.slow
def test_a_service_that_ends_is_told_with_its_last_lines(tmp_path: Path) -> None:
    with started(tmp_path, "--once", "--commands", "2000") as demo:
        read_until(demo, "the first command was sent")
        listed = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True)
        rows = (line.split(None, 1) for line in listed.stdout.splitlines())
        children = descendants(demo.pid)
        sender = next(int(pid) for pid, args in rows if int(pid) in children and args.endswith("services.cli sender"))
        os.kill(sender, signal.SIGKILL)
        said, _ = demo.communicate()
    assert demo.returncode == 2
    assert "sender ended with exit code -9; its last lines:" in said
    assert "Traceback" not in said
