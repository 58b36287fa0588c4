"""How a service's process ends: whatever hangs, a crash ends it, so that it is started again."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forked import Forked
from tests.waiting import eventually

# What hangs, hangs for an hour.
_HANGS_S = 60

# A service whose app has what `run_app` needs of one; each of these may go wrong in its own way.
_SERVICE = """
import asyncio, logging, sys, threading, time
from types import SimpleNamespace

from services.runtime import process
from services.runtime.folding import lifetime
from services.runtime.folding.lifetime import run_app

logging.basicConfig(stream=sys.stderr, level=logging.INFO)


class App:
    crash_reason = None

    def __init__(self):
        self._crashed = asyncio.Event()
        self.runner = SimpleNamespace(tick=self.tick)

    def finalize(self):
        pass

    async def start(self):
        print("started", flush=True)
        {start}

    async def stop(self):
        print("stopping", flush=True)
        {stop}

    async def crash(self, error):
        if self.crash_reason is None:
            self.crash_reason = error
            self.crashes(error)
        self._crashed.set()

    def tick(self, now):
        {tick}


async def main(stop):
    await run_app(App(), stop)


sys.exit(process.run(main))
"""
_CRASHES = "asyncio.get_running_loop().call_later(0.1, lambda: asyncio.ensure_future(self.crash(OSError('broken'))))"
# It is waited for ten seconds otherwise, and five more where nothing runs any longer.
_SOON = "lifetime._STOP_CRASHED_S = 1.0; "
_FOR_EVER = "await asyncio.sleep(3600)"
# A task that does not take its cancellation, and a thread that nobody ends.
_STUBBORN = """
        threading.Thread(target=time.sleep, args=(3600,)).start()
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
"""


class Running:
    """A program while it runs, and what it says."""

    def __init__(self, folder: Path, program: str) -> None:
        self._out, self._err = folder / "out", folder / "err"
        self.process = Forked("tests.program", program, environment=os.environ, out=self._out, err=self._err)

    async def says(self, text: str) -> None:
        """Wait until this is all that it has said."""
        await eventually(lambda: self._out.exists() and self._out.read_text() == text, _HANGS_S, f"it says {text!r}")

    def ended(self) -> tuple[int, list[str], str]:
        """Its exit code, what it said, and its log."""
        try:
            code = self.process.wait(_HANGS_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the process still runs after {_HANGS_S} s")
        return code, self._out.read_text().split(), self._err.read_text()


Service = Callable[..., Running]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Running]]:
    """Run a program; killed at the end, if it runs still."""
    begun: list[Running] = []

    def begin(program: str) -> Running:
        begun.append(Running(tmp_path, program))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()


@pytest.fixture
def service(run: Callable[[str], Running]) -> Service:
    def begin(start: str = "pass", stop: str = "pass", tick: str = "pass") -> Running:
        return run(_SERVICE.format(start=start, stop=stop, tick=tick))

    return begin


@pytest.mark.parametrize(
    "hangs", [pytest.param(_FOR_EVER, id="waits"), pytest.param(_STUBBORN, marks=pytest.mark.slow, id="stubborn")]
)
def test_a_crashed_service_whose_stop_hangs_ends_all_the_same(service: Service, hangs: str) -> None:
    code, said, log = service(start=_SOON + _CRASHES, stop=hangs).ended()
    assert (code, said) == (1, ["started", "stopping"])
    assert "does not stop; its process ends all the same" in log
    assert "OSError: broken" in log


@pytest.mark.parametrize(
    "hangs",
    ["pass", "raise RuntimeError('and this too')", "raise asyncio.CancelledError('and this too')"],
    ids=["stops", "fails to", "is cancelled"],
)
def test_a_crashed_service_that_stops_ends_at_once(service: Service, hangs: str) -> None:
    code, said, log = service(start=_CRASHES, stop=hangs).ended()
    assert (code, said) == (1, ["started", "stopping"])
    # What crashed it is what is told, whatever came of the stop.
    assert "OSError: broken" in log
    assert ("did not stop cleanly" in log) == (hangs != "pass")
    assert "does not stop" not in log, "it was waited for"


def test_a_service_that_is_cancelled_from_within_ends(service: Service) -> None:
    thread = "threading.Thread(target=time.sleep, args=(3600,)).start(); raise asyncio.CancelledError"
    code, _, log = service(start=thread).ended()
    assert (code, "should not happen" in log) == (1, True)


@pytest.mark.slow
def test_a_crashed_service_whose_event_loop_stands_still_ends_all_the_same(service: Service) -> None:
    code, _, log = service(start=f"{_SOON} lifetime._END_S = 0.5; {_CRASHES}", stop="time.sleep(3600)").ended()
    assert code == 1
    assert "crashed by OSError('broken'), and everything waits" in log


def test_a_service_without_timers_ends(service: Service) -> None:
    code, _, log = service(tick="raise KeyError('a row')").ended()
    assert code == 1
    assert "KeyError: 'a row'" in log


def test_a_thread_that_nobody_ends_does_not_keep_a_failed_process(service: Service) -> None:
    thread = "threading.Thread(target=time.sleep, args=(3600,)).start(); raise OSError('at the start')"
    code, _, log = service(start=thread).ended()
    assert (code, "OSError: at the start" in log) == (1, True)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        ("from services.runtime.section import ConfigError; raise ConfigError('mend this')", 2, "mend this"),
        ("from services.runtime.http import PortTaken; raise PortTaken('taken')", 2, "taken"),
        ("from aiokafka.errors import KafkaConnectionError as E; raise E('away')", 2, "check kafka.bootstrap"),
        ("from aiokafka.errors import ProducerFenced as E; raise E()", 1, "another worker took"),
        ("from aiokafka.errors import TopicAuthorizationFailedError as E; raise E({'a.topic'})", 2, "grant"),
        ("from aiokafka.errors import KafkaError as E; raise E('odd')", 1, "Kafka failed us: KafkaError('odd')"),
        ("raise ZeroDivisionError('ours')", 1, "ZeroDivisionError: ours"),
    ],
    ids=["settings", "port", "broker", "fenced", "forbidden", "kafka", "defect"],
)
def test_the_exit_code_says_who_can_mend_it(service: Service, error: str, code: int, told: str) -> None:
    ended_with, _, log = service(start=error).ended()
    assert ended_with == code
    assert told in log
    assert ("Traceback" in log) == ("ZeroDivisionError" in error)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_in_good_order(service: Service, number: int) -> None:
    running = service()
    await running.says("started\n")
    running.process.send_signal(number)
    assert running.ended() == (0, ["started", "stopping"], "")


_LISTENER = """
import sys
from services.runtime import process


async def main(stop):
    print("started", flush=True)
    await stop.wait()


sys.exit(process.run(main, lambda: print("again", flush=True)))
"""


async def test_a_hangup_reads_again_and_ends_nothing(run: Callable[[str], Running]) -> None:
    running = run(_LISTENER)
    said = "started\n"
    await running.says(said)
    for _ in range(2):
        running.process.send_signal(signal.SIGHUP)
        await running.says(said := f"{said}again\n")
    running.process.terminate()
    code, _, _ = running.ended()
    assert code == 0
