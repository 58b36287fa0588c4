"""The embedded broker: start it, and do to it what happens to brokers."""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from services.embedded import archive, jars, ports, storage
from services.embedded.errors import BrokerFailedError, EmbeddedKafkaError, PortTakenError, last_lines
from services.embedded.java import QUICK_JVM, find
from services.embedded.layout import Layout
from services.embedded.process import Process
from services.embedded.tls import USER, Tls

_START_DEADLINE_S = 60.0
_STOP_GRACE_S = 20.0
# What Java returns after SIGTERM.
_ENDED = (0, 128 + signal.SIGTERM)
STEADY_JVM = ("-XX:+ExitOnOutOfMemoryError", "-Dorg.slf4j.simpleLogger.showDateTime=true")


def _stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


class EmbeddedKafka:
    """One Kafka broker on loopback, made by `start`. Every method blocks until it is done.

    It dies with our process, even when that is killed. A coroutine awaits `asyncio.to_thread(broker.kill)`.
    """

    # A broker that is measured has another heap, and compiles all it can.
    jvm: tuple[str, ...] = ("-Xmx512m", *STEADY_JVM, *QUICK_JVM)

    def __init__(self, layout: Layout, java: tuple[str, ...], throw_away: bool) -> None:
        """Starts nothing: `start` is the way to get a broker."""
        self._layout = layout
        self._java = java
        self._throw_away = throw_away
        self._process: Process | None = None

    @classmethod
    def start(
        cls,
        port: int = 0,
        data_dir: Path | None = None,
        properties: Mapping[str, str] | None = None,
        *,
        tls: bool = False,
        say: Callable[[str], None] = _stderr,
    ) -> Self:
        """Start a broker and return once it answers.

        `port` 0 takes any free one. Without `data_dir` the data lies in a temporary folder that `stop`
        deletes; what an existing one holds is taken up again. `properties` are Kafka's broker settings and
        win over ours. `tls` adds a SASL_SSL listener with one user. `say` is told what takes long.

        Raises EmbeddedKafkaError: ToolMissingError, PortTakenError or BrokerFailedError.
        """
        _refuse_taken(port)
        found = find("java")
        java = (found, *archive.options(found), *cls.jvm, "-cp", f"{jars.ensure(say)}/*")
        folder = data_dir.resolve() if data_dir else Path(tempfile.mkdtemp(prefix="switchboard-kafka-"))
        try:
            layout = storage.lay_out(folder, port or ports.pick(), tls)
            storage.prepare(layout, java, properties or {})
            broker = cls(layout, java, throw_away=data_dir is None)
            broker._launch()
        except BaseException:
            if data_dir is None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        return broker

    @property
    def bootstrap(self) -> str:
        """host:port, PLAINTEXT."""
        return f"{ports.HOST}:{self._layout.port}"

    @property
    def sasl_ssl_bootstrap(self) -> str:
        """host:port, SASL_SSL with SCRAM-SHA-512. Like the next three it needs `tls=True`."""
        self._require_tls()
        return f"{ports.HOST}:{self._layout.tls_port}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority to trust, PEM."""
        return self._require_tls().ca_file

    @property
    def user(self) -> str:
        self._require_tls()
        return USER

    @property
    def password(self) -> str:
        return self._require_tls().password

    @property
    def pid(self) -> int | None:
        """None while it is stopped or killed."""
        return self._process.pid if self._process else None

    def stop(self) -> bool:
        """End the broker in good order and delete its data if it was throw-away. Stopping twice is fine.

        False where it took too long and was killed, or failed as it ended.
        """
        in_order = self._end()
        if self._throw_away:
            shutil.rmtree(self._layout.folder, ignore_errors=True)
        return in_order

    def kill(self) -> None:
        """SIGKILL. The data stays, for `restart`."""
        if self._process:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Come back on the same ports and data; if it runs, end in good order first. Raises as `start`."""
        self._end()
        self._launch()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        if self._process:
            self._process.freeze()

    def thaw(self) -> None:
        if self._process:
            self._process.thaw()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _require_tls(self) -> Tls:
        if self._layout.tls is None:
            raise EmbeddedKafkaError("this broker has no SASL_SSL listener; start it with tls=True")
        return self._layout.tls

    def _end(self) -> bool:
        if not self._process:
            return True
        self._process.stop(_STOP_GRACE_S)
        code, self._process = self._process.exit_code, None
        return code in _ENDED

    def _launch(self) -> None:
        _refuse_taken(self._layout.port)
        self._process = Process(
            [*self._java, "kafka.Kafka", str(self._layout.properties_file)],
            log=self._layout.server_log,
            scratch=self._layout.folder if self._throw_away else None,
        )
        try:
            self._await_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def _await_ready(self, process: Process) -> None:
        deadline = time.monotonic() + _START_DEADLINE_S
        while not ports.broker_answers(self._layout.port):
            if process.exit_code is not None:
                self._fail(f"Kafka ended with exit code {process.exit_code}")
            if time.monotonic() > deadline:
                self._fail(f"Kafka did not answer on {self.bootstrap} within {_START_DEADLINE_S:.0f} s")
            time.sleep(0.05)

    def _fail(self, what: str) -> None:
        raise BrokerFailedError(f"{what}; its last lines:\n{last_lines(self._layout.server_log)}")


def keep_classes(say: Callable[[str], None] = _stderr) -> None:
    """Start a broker and end it, so that each one after it starts for half the CPU; nothing where that was done.

    Raises as `EmbeddedKafka.start`.
    """

    def run(option: str) -> bool:
        class Kept(EmbeddedKafka):
            jvm = (*EmbeddedKafka.jvm, option)

        return Kept.start(say=say).stop()

    archive.write(find("java"), run)


def _refuse_taken(port: int) -> None:
    if port and not ports.is_free(port):
        raise PortTakenError(
            f"port {port} on {ports.HOST} is taken by another process; choose another port, or stop it"
        )
