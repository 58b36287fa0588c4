"""Programs of the product as processes that start with everything imported: a start costs a fork, not seconds of CPU.

One process per test run imports all of `services` and forks for each start. What it forks is a process as any other:
it has its own pid, environment, output and exit code, and dies by kill -9. What importing does is not tried here: the
demo and `switchboard dev` start theirs from nothing. All that is forked here share one hash seed, and end with whoever
started them, also by kill -9.
"""

import ctypes
import functools
import gc
import multiprocessing
import os
import pkgutil
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import NamedTuple

import pytest

import services

# Where `tests` is found.
TESTS = {"PYTHONPATH": str(Path(__file__).parents[1])}

_PR_SET_PDEATHSIG = 1


class _Place(NamedTuple):
    """What a process has of the one that started it, and where it writes."""

    folder: str
    umask: int
    environment: dict[str, str]
    out: str
    err: str


class Forked:
    """A started program: `python -m module words`. Its methods are those of subprocess.Popen, for what tests ask."""

    def __init__(self, module: str, *words: str, environment: Mapping[str, str], out: Path, err: Path) -> None:
        """`environment` is all that it has. Its output is appended to `out` and `err`, which may be one file."""
        os.umask(umask := os.umask(0))
        place = _Place(os.getcwd(), umask, dict(environment), str(out), str(err))
        self._process = _server().Process(target=_run, args=(module, words, place), daemon=True)
        with pytest.MonkeyPatch.context() as patch:
            # For the server, which the first start starts.
            patch.setenv("PYTHONPATH", TESTS["PYTHONPATH"])
            self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative is the signal that ended it."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired after so many seconds."""
        self._process.join(timeout)
        if (code := self.returncode) is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    @property
    def frozen(self) -> bool:
        """Whether it stands still now, as after SIGSTOP; to be asked until it is true."""
        told = subprocess.run(["ps", "-o", "stat=", "-p", str(self.pid)], capture_output=True, text=True, check=False)
        return told.stdout.startswith("T")

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@functools.cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    found = (module.name for module in pkgutil.walk_packages(services.__path__, "services."))
    context.set_forkserver_preload([*(name for name in found if not name.endswith("__main__")), "tests.preloaded"])
    return context


def _end_with_the_server() -> None:
    """It ends with whoever started it, however that ended."""
    # The server ends when nobody holds this any more; each of its children is given it too.
    os.close(getattr(forkserver, "_forkserver")._forkserver_alive_fd)  # noqa: B009
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _run(module: str, words: tuple[str, ...], place: _Place) -> None:
    _end_with_the_server()
    # What was imported stays: no collection of garbage is to walk through it, nor to copy its pages by that.
    gc.freeze()
    os.environ.clear()
    os.environ.update(place.environment)
    os.chdir(place.folder)
    os.umask(place.umask)
    for stream, path in ((1, place.out), (2, place.err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, stream)
        os.close(file)
    # A shell starts what runs in the background with Ctrl-C ignored, and every process inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
