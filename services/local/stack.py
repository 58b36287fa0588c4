"""The processes: an embedded Kafka and the services, each in a process that cannot outlive us."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

import services
from services.embedded.broker import EmbeddedKafka
from services.embedded.errors import last_lines
from services.embedded.process import Process
from services.local.errors import LocalError
from services.local.layout import Layout
from services.local.show import Show
from services.operations import topics
from services.runtime.config import Settings

_READY_DEADLINE_S = 60.0
_STOP_GRACE_S = 10.0
_POLL_S = 0.05
_READY_AT = {
    "simulator": "/simulator/quiet",
    "ingress": "/readyz",
    "processor": "/readyz",
    "sender": "/readyz",
    "poller": "/readyz",
}
SERVICES = tuple(_READY_AT)
# These refuse to start without their topics; the others start while Kafka does.
_NEED_TOPICS = frozenset({"processor", "sender", "poller"})


def prepare_environment() -> None:
    """What the processes that we start inherit: the way to loopback, and the code that we are."""
    # The sender honours a proxy on its way to Twilio; on the way to loopback it must not.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    # The services are to run the code that we are, whatever folder we were called in.
    own = str(Path(services.__path__[0]).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (own, os.environ.get("PYTHONPATH"))))


class Stack:
    """Starts everything in order, and stops what it started. `scratch` is deleted should we be killed.

    `names`: the services to start. `own_kafka`: whether to start a Kafka, or to use the one of the settings.
    """

    def __init__(
        self,
        layout: Layout,
        settings: Settings,
        scratch: Path | None,
        names: Sequence[str] = SERVICES,
        own_kafka: bool = True,
    ) -> None:
        self._layout = layout
        self._settings = settings
        self._scratch = scratch
        self._names = names
        self._own_kafka = own_kafka
        self._kafka: EmbeddedKafka | None = None
        self._services: dict[str, Process] = {}
        # A restart runs in a thread; a stop that comes meanwhile waits for it, and nothing starts afterwards.
        self._lock = threading.Lock()
        self._stopped = False
        self._http = requests.Session()
        self._http.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, show: Show) -> None:
        """Start all and return once all are ready. Raises LocalError, EmbeddedKafkaError, ConfigError."""
        self._launch([name for name in self._names if name not in _NEED_TOPICS])
        if self._own_kafka:
            with show.step("Kafka", self._layout.address("kafka")):
                self._kafka = EmbeddedKafka.start(self._layout.ports["kafka"], self._layout.kafka_data, say=show.say)
        with show.step("topics", f"{self._settings.kafka.partitions} partitions each"):
            asyncio.run(topics.ensure(self._settings))
        self._launch([name for name in self._names if name in _NEED_TOPICS])
        for name in self._names:
            with show.step(name, self._layout.url(name)):
                self._await_ready(name)

    def restart(self, names: Sequence[str]) -> None:
        """Start these services anew, with the settings as they are; return once they are ready. Raises LocalError."""
        with self._lock:
            if self._stopped:
                return
            self._stop_services(names)
            self._launch(names)
        for name in names:
            self._await_ready(name)

    def check(self) -> None:
        """Raise LocalError, with its last lines, if a service has ended by itself."""
        for name, process in list(self._services.items()):
            if process.exit_code is not None:
                raise LocalError(self._told(name, f"ended with exit code {process.exit_code}"))

    def stop(self) -> None:
        """Stop every process that we started, Kafka last. Stopping twice is fine."""
        with self._lock:
            self._stopped = True
            self._stop_services(list(self._services))
        if self._kafka:
            # Data that is thrown away needs no good order.
            if self._scratch:
                self._kafka.kill()
            else:
                self._kafka.stop()
            self._kafka = None

    def _stop_services(self, names: Sequence[str]) -> None:
        running = [self._services.pop(name) for name in names if name in self._services]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda process: process.stop(_STOP_GRACE_S), running))

    def _launch(self, names: Sequence[str]) -> None:
        for name in names:
            # -P: the code that we run, by PYTHONPATH, rather than what lies in the current folder.
            command = [sys.executable, "-P", "-m", "services.cli", name]
            scratch = None if self._services else self._scratch
            self._services[name] = Process(command, self._layout.log(name), scratch)

    def _await_ready(self, name: str) -> None:
        url = self._layout.operations(name) + _READY_AT[name]
        deadline = time.monotonic() + _READY_DEADLINE_S
        while not self._stopped and not self._answers(url):
            self.check()
            if time.monotonic() > deadline:
                raise LocalError(self._told(name, f"was not ready within {_READY_DEADLINE_S:.0f} s"))
            time.sleep(_POLL_S)

    def _answers(self, url: str) -> bool:
        try:
            return self._http.get(url, timeout=2).ok
        except requests.RequestException:
            return False

    def _told(self, name: str, what: str) -> str:
        return f"{name} {what}; its last lines:\n{last_lines(self._layout.log(name))}"
