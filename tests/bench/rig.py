"""What every part runs on: a broker of its own, settings, the real services as processes, all ended together."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

import requests
import yaml

from services.embedded import ports
from services.embedded.broker import STEADY_JVM, EmbeddedKafka
from services.embedded.process import Process
from tests.bench.processes import CannotMeasure, on, others
from tests.bench.workload import ACCOUNT, CONTACT_SECRET, PUBLIC_URL, TENANT, TOKEN

PARTITIONS = 4

# The command that people use.
SWITCHBOARD = (sys.executable, "-m", "services.cli")
ROOT = Path(__file__).parents[2]
_ENV = shutil.which("env") or "/usr/bin/env"
_START_S = 60.0
_STOP_S = 15.0
_LAST_CHARACTERS = 2000


class _MeasuredKafka(EmbeddedKafka):
    # As Kafka's own scripts start a broker.
    jvm = (
        *STEADY_JVM,
        *("-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"),
        *("-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent"),
    )


class Running(NamedTuple):
    """A process under measurement, and where it listens (port 0: nowhere); `asked`: where it says how it is."""

    name: str
    pid: int
    port: int
    asked: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metric(self, name: str, labels: str = "") -> float:
        """The sum of a metric over its labels, or where it has these (`fold="delivery"`)."""
        lines = requests.get(f"http://127.0.0.1:{self.asked}/metrics", timeout=10).text.splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith((f"{name}{{{labels}", f"{name}{labels} "))
        )


class Rig:
    """A context: broker and topics when it is entered; at its end every process is gone and nothing lies about.

    This process keeps to the cores that are not measured, and the broker too where it is not given others.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        properties: Mapping[str, str] | None = None,
        partitions: int = PARTITIONS,
        tenant_topics: Sequence[str] = (),
        *,
        tree: Path = ROOT,
        broker_on: set[int] | None = None,
    ) -> None:
        """`properties` are Kafka's; each topic gets this many partitions. `tree`: whose services run, those of another
        worktree by its own .venv."""
        python = sys.executable if tree == ROOT else str(tree / ".venv" / "bin" / "python")
        self._switchboard = [_ENV, f"--chdir={tree}", f"PYTHONPATH={tree}", python, *SWITCHBOARD[1:]]
        # Services of earlier commits answer everything on one port.
        self._has_operations_port = any(
            "operations_port" in one.read_text() for one in (tree / "services/runtime").rglob("*.py")
        )
        known = (tree / "services/sender/paces.py").exists()
        self._no_rate_limits = {"rate_limits": {"each": 100_000}} if known else {"messages_per_second": 100_000}
        # One message a minute, so that whatever comes has to wait.
        rate = "RATE_LIMITS__EACH" if known else "MESSAGES_PER_SECOND"
        self.slow = {f"SWITCHBOARD_TENANTS__{TENANT}__{rate}": "0.0167"}
        self._say = say
        self._tenant_topics = list(tenant_topics)
        self._partitions = partitions
        self._properties = dict(properties or {})
        self._broker_on = broker_on or others()
        self._stack = ExitStack()
        self._processes: dict[int, Process] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(on(others()))
            self.folder = Path(tempfile.mkdtemp(prefix="switchboard-bench-"))
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self._say("starting Kafka")
            with on(self._broker_on):
                broker = stack.enter_context(_MeasuredKafka.start(properties=self._properties, say=self._say))
            self.bootstrap = broker.bootstrap
            self.ports = {name: ports.pick() for name in ("ingress", "processor", "sender", "simulator")}
            self._write_settings()
            self._apply_topics()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def service(self, name: str, cores: set[int], settings: Mapping[str, str] | None = None) -> Running:
        """One of ours, by the command that people use; returns once it is ready."""
        running = self.start(name, [*self._switchboard, name], settings or {}, cores, self.ports[name])
        self.wait_ready(running)
        return running

    def command(self, service: str) -> list[str]:
        """What starts a service of the tree."""
        return [*self._switchboard, service]

    def simulator(self) -> Running:
        """A Twilio to send to, out of the measured core's way."""
        running = self.start("simulator", [*self._switchboard, "simulator"], {}, others(), self.ports["simulator"])
        self.wait(running, lambda: not ports.is_free(running.port), "the simulator listens")
        return running

    def start(
        self, name: str, command: Sequence[str], settings: Mapping[str, str], cores: set[int], port: int = 0
    ) -> Running:
        """Start any process on these cores, with the bench's environment and these settings."""
        asked = port
        if (service := command[-1]) in ("ingress", "processor") and self._has_operations_port:
            asked = ports.pick()
            settings = {**settings, f"SWITCHBOARD_{service.upper()}__OPERATIONS_PORT": str(asked)}
        own = [f"{key}={value}" for key, value in {**self._own_environment(), **settings}.items()]
        with on(cores):
            process = Process([_ENV, *own, *command], self._log(name), None)
        self._stack.callback(process.stop, _STOP_S)
        self._processes[process.pid] = process
        return Running(name, process.pid, port, asked)

    def wait_ready(self, running: Running, seconds: float = _START_S) -> None:
        self.wait(running, lambda: _is_ready(running), f"{running.name} is ready", seconds)

    def stop(self, running: Running) -> None:
        self._processes[running.pid].stop(_STOP_S)

    def kill(self, running: Running) -> None:
        """kill -9."""
        self._processes[running.pid].kill()

    def ended(self, running: Running) -> bool:
        """Whether it has ended well. Raises CannotMeasure, with its last words, when it has not."""
        code = self._processes[running.pid].exit_code
        if code:
            words = self._log(running.name).read_text(errors="replace")[-_LAST_CHARACTERS:]
            raise CannotMeasure(f"{running.name} ended with exit code {code}:\n{words}")
        return code == 0

    def wait(self, running: Running, condition: Callable[[], bool], what: str, seconds: float = _START_S) -> None:
        """Poll until it holds. Raises CannotMeasure when the process dies or time is up."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.ended(running) or time.monotonic() > deadline:
                words = self._log(running.name).read_text(errors="replace")[-_LAST_CHARACTERS:]
                raise CannotMeasure(f"not within {seconds:.0f} s: {what}; its last words:\n{words}")
            time.sleep(0.1)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def environment(self) -> dict[str, str]:
        """For programs that are run to their end."""
        return {**os.environ, **self._own_environment()}

    def _own_environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": str(ROOT),
            "SWITCHBOARD_CONFIG": str(self.folder / "switchboard.yaml"),
            "SWITCHBOARD_LOG_LEVEL": "WARNING",
            "BENCH_TOKEN": TOKEN,
            "BENCH_CONTACT_SECRET": CONTACT_SECRET,
        }

    def _write_settings(self) -> None:
        settings = {
            "public_url": PUBLIC_URL,
            "kafka": {
                "bootstrap": self.bootstrap, "partitions": self._partitions,
                "replication": 1, "min_insync_replicas": 1,
                **({"tenant_topics": self._tenant_topics} if self._tenant_topics else {}),
            },
            "tenants": {
                TENANT: {
                    "account_sid": ACCOUNT,
                    "auth_tokens": [{"env": "BENCH_TOKEN"}],
                    "contact_secret": {"env": "BENCH_CONTACT_SECRET"},
                    # No bound: what is measured is what the sender can do.
                    **self._no_rate_limits,
                }
            },
            "ingress": {"port": self.ports["ingress"], "spool": {"directory": str(self.folder / "spool")}},
            "processor": {"port": self.ports["processor"], "data_dir": str(self.folder / "processor")},
            "sender": {"port": self.ports["sender"], "data_dir": str(self.folder / "sender")},
            # The callbacks would cost the machine more than the sends.
            "simulator": {"port": self.ports["simulator"], "faults": {"callback_lost": 1.0}},
            "twilio": {"api": f"http://127.0.0.1:{self.ports['simulator']}"},
        }  # fmt: skip
        (self.folder / "switchboard.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def _apply_topics(self) -> None:
        done = subprocess.run(
            [*self._switchboard, "topics", "apply"],
            env=self.environment(),
            capture_output=True, text=True, timeout=_START_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CannotMeasure(f"the topics could not be applied:\n{(done.stdout + done.stderr)[-_LAST_CHARACTERS:]}")


def _is_ready(running: Running) -> bool:
    """Ready, and for ingress connected too: it is ready without Kafka, by its spool."""
    try:
        answer = requests.get(f"http://127.0.0.1:{running.asked}/readyz", timeout=5)
    except requests.ConnectionError:
        return False
    return answer.status_code == 200 and answer.json().get("kafka", "connected") == "connected"
