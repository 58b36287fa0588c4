"""An S3-compatible server (versitygw) and ClamAV's daemon with signatures of ours, as processes."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.embedded.jars import cache_root
from services.embedded.ports import pick
from tests.waiting import eventually

_S3 = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
KEY_ID, KEY, BUCKET = "media-tests", "a secret key of the tests", "media"
# What our signature is for: nobody's virus.
VIRUS = b"SWITCHBOARD-STANDARD-TEST-FILE"
VIRUS_NAME = "Switchboard.Test.UNOFFICIAL"


def s3_server() -> str:
    """Its path. Built once into the cache; skips the test where that cannot be done."""
    cached = cache_root() / "bin" / "versitygw"
    if found := shutil.which("versitygw") or (str(cached) if cached.exists() else None):
        return found
    go = shutil.which("go", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/go/bin"]))
    if go is None:
        pytest.skip(f"no versitygw and no Go on this machine; `go install {_S3}` gives one")
    cached.parent.mkdir(parents=True, exist_ok=True)
    with (cached.parent / "versitygw.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cached.exists():
            built = subprocess.run(
                [go, "install", _S3],
                env={**os.environ, "GOBIN": str(cached.parent), "CGO_ENABLED": "0"},
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            if built.returncode:
                pytest.skip(f"versitygw cannot be built here: {built.stderr[-300:]}")
    return str(cached)


class Server:
    """A process that listens on a port, to be stopped and started again."""

    def __init__(self, command: list[str], port: int, log: Path, environment: dict[str, str] | None = None) -> None:
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self.port = port
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    async def answers(self) -> None:
        async def listening() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            return False

        await eventually(listening, 60, f"{self._command[0]} listens")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None


@contextmanager
def storing(folder: Path) -> Iterator[tuple[Server, Path]]:
    """An S3 server with BUCKET, which is a folder, and that folder."""
    bucket, port = folder / "s3" / BUCKET, pick()
    bucket.mkdir(parents=True)
    command = [s3_server(), "--port", f"127.0.0.1:{port}", "--access", KEY_ID, "--secret", KEY]
    server = Server([*command, "posix", str(folder / "s3")], port, folder / "s3.log")
    server.start()
    try:
        yield server, bucket
    finally:
        server.stop()


@contextmanager
def scanning(folder: Path, unix_socket: Path | None = None) -> Iterator[Server]:
    """clamd, which knows VIRUS and nothing else."""
    clamd = shutil.which("clamd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if clamd is None:
        pytest.skip("no clamd on this machine; Debian's package clamav-daemon has it")
    database = folder / "signatures"
    database.mkdir(exist_ok=True)
    (database / "ours.ndb").write_text(f"Switchboard.Test:0:*:{VIRUS.hex()}\n")
    port = pick()
    config = folder / "clamd.conf"
    config.write_text(
        f"TCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {database}\nForeground yes\nStreamMaxLength 1M\n"
        "MaxFileSize 800K\nAlertExceedsMax yes\n"
        f"LogFile {folder}/clamd-own.log\n" + (f"LocalSocket {unix_socket}\n" if unix_socket else "")
    )
    server = Server([clamd, "--config-file", str(config)], port, folder / "clamd.log")
    server.start()
    try:
        yield server
    finally:
        server.stop()
