"""The processes: an embedded Kafka and the four services, each in a process that cannot outlive us."""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from services.cli import topics
from services.cli.demo.errors import DemoError
from services.cli.demo.layout import Layout
from services.cli.demo.show import Show
from services.cli.kafka.broker import EmbeddedKafka
from services.cli.kafka.errors import last_lines
from services.cli.kafka.process import Process
from services.runtime.config import Settings

_READY_DEADLINE_S = 60.0
_STOP_GRACE_S = 10.0
_POLL_S = 0.05
_READY_AT = {
    "simulator": "/simulator/quiet",
    "ingress": "/readyz",
    "processor": "/readyz",
    "sender": "/readyz",
}


class Stack:
    """Starts everything in order, and stops what it started. `scratch` is deleted should we be killed."""

    def __init__(self, layout: Layout, settings: Settings, scratch: Path | None) -> None:
        self._layout = layout
        self._settings = settings
        self._scratch = scratch
        self._kafka: EmbeddedKafka | None = None
        self._services: dict[str, Process] = {}
        self._http = requests.Session()
        self._http.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, show: Show) -> None:
        """Start all and return once all are ready. Raises DemoError, EmbeddedKafkaError, ConfigError."""
        # These two need no Kafka to start, so they do while it does.
        self._launch("simulator")
        self._launch("ingress")
        with show.step("Kafka", self._layout.address("kafka")):
            self._kafka = EmbeddedKafka.start(self._layout.ports["kafka"], self._layout.kafka_data, say=show.say)
        # The others refuse to start without their topics.
        with show.step("topics", f"{self._settings.kafka.partitions} partitions each"):
            asyncio.run(topics.ensure(self._settings))
        self._launch("processor")
        self._launch("sender")
        for name in _READY_AT:
            with show.step(name, self._layout.url(name)):
                self._await_ready(name)

    def check(self) -> None:
        """Raise DemoError, with its last lines, if a service has ended by itself."""
        for name, process in self._services.items():
            if process.exit_code is not None:
                raise DemoError(self._told(name, f"ended with exit code {process.exit_code}"))

    def stop(self) -> None:
        """Stop every process that we started, Kafka last. Stopping twice is fine."""
        services, self._services = self._services, {}
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda process: process.stop(_STOP_GRACE_S), services.values()))
        if self._kafka:
            self._kafka.stop()
            self._kafka = None

    def _launch(self, name: str) -> None:
        # -P: the code that we run, by PYTHONPATH, rather than what lies in the current folder.
        command = [sys.executable, "-P", "-m", "services.cli", name]
        scratch = None if self._services else self._scratch
        self._services[name] = Process(command, self._layout.log(name), scratch)

    def _await_ready(self, name: str) -> None:
        url = self._layout.url(name) + _READY_AT[name]
        deadline = time.monotonic() + _READY_DEADLINE_S
        while not self._answers(url):
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(self._told(name, f"was not ready within {_READY_DEADLINE_S:.0f} s"))
            time.sleep(_POLL_S)

    def _answers(self, url: str) -> bool:
        try:
            return self._http.get(url, timeout=2).ok
        except requests.RequestException:
            return False

    def _told(self, name: str, what: str) -> str:
        return f"{name} {what}; its last lines:\n{last_lines(self._layout.log(name))}"
