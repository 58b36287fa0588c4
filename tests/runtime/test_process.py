"""How a service's process ends: whatever hangs, a crash ends it, so that it is started again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
# What hangs, hangs for an hour. A busy machine takes its time to start a process.
_HANGS_S = 60

# A service whose app has what `run_app` needs of one; each of these may go wrong in its own way.
_SERVICE = """
import asyncio, logging, sys, threading, time
from types import SimpleNamespace

from services.runtime import process
from services.runtime.folding.app import run_app

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


def service(start: str = "pass", stop: str = "pass", tick: str = "pass") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _SERVICE.format(start=start, stop=stop, tick=tick)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )


def ended(running: "subprocess.Popen[str]") -> tuple[int, str, str]:
    try:
        said, log = running.communicate(timeout=_HANGS_S)
    except subprocess.TimeoutExpired:
        running.kill()
        running.communicate()
        pytest.fail(f"the process still runs after {_HANGS_S} s")
    return running.returncode, said, log


@pytest.mark.parametrize(
    "hangs", [pytest.param(_FOR_EVER, id="waits"), pytest.param(_STUBBORN, marks=pytest.mark.slow, id="stubborn")]
)
def test_a_crashed_service_whose_stop_hangs_ends_all_the_same(hangs: str) -> None:
    code, said, log = ended(service(start=_CRASHES, stop=hangs))
    assert (code, said.split()) == (1, ["started", "stopping"])
    assert "does not stop; its process ends all the same" in log
    assert "OSError: broken" in log


@pytest.mark.parametrize(
    "hangs",
    ["pass", "raise RuntimeError('and this too')", "raise asyncio.CancelledError('and this too')"],
    ids=["stops", "fails to", "is cancelled"],
)
def test_a_crashed_service_that_stops_ends_at_once(hangs: str) -> None:
    code, said, log = ended(service(start=_CRASHES, stop=hangs))
    assert (code, said.split()) == (1, ["started", "stopping"])
    # What crashed it is what is told, whatever came of the stop.
    assert "OSError: broken" in log
    assert ("did not stop cleanly" in log) == (hangs != "pass")
    assert "does not stop" not in log, "it was waited for"


def test_a_service_that_is_cancelled_from_within_ends() -> None:
    thread = "threading.Thread(target=time.sleep, args=(3600,)).start(); raise asyncio.CancelledError"
    code, _, log = ended(service(start=thread))
    assert (code, "should not happen" in log) == (1, True)


@pytest.mark.slow
def test_a_crashed_service_whose_event_loop_stands_still_ends_all_the_same() -> None:
    code, _, log = ended(service(start=_CRASHES, stop="time.sleep(3600)"))
    assert code == 1
    assert "crashed by OSError('broken'), and everything waits" in log


def test_a_service_without_timers_ends() -> None:
    code, _, log = ended(service(tick="raise KeyError('a row')"))
    assert code == 1
    assert "KeyError: 'a row'" in log


def test_a_thread_that_nobody_ends_does_not_keep_a_failed_process() -> None:
    thread = "threading.Thread(target=time.sleep, args=(3600,)).start(); raise OSError('at the start')"
    code, _, log = ended(service(start=thread))
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
def test_the_exit_code_says_who_can_mend_it(error: str, code: int, told: str) -> None:
    ended_with, _, log = ended(service(start=error))
    assert ended_with == code
    assert told in log
    assert ("Traceback" in log) == ("ZeroDivisionError" in error)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_good_order(number: int) -> None:
    running = service()
    assert running.stdout is not None
    assert running.stdout.readline() == "started\n"
    running.send_signal(number)
    code, said, log = ended(running)
    assert (code, said, log) == (0, "stopping\n", "")


_LISTENER = """
import sys
from services.runtime import process


async def main(stop):
    print("started", flush=True)
    await stop.wait()


sys.exit(process.run(main, lambda: print("again", flush=True)))
"""


def test_a_hangup_reads_again_and_ends_nothing() -> None:
    running = subprocess.Popen([sys.executable, "-c", _LISTENER], stdout=subprocess.PIPE, text=True, cwd=_ROOT)
    assert running.stdout is not None
    assert running.stdout.readline() == "started\n"
    for _ in range(2):
        running.send_signal(signal.SIGHUP)
        assert running.stdout.readline() == "again\n"
    running.terminate()
    assert running.wait(20) == 0
