"""An S3-compatible server (S3Proxy) and ClamAV's daemon with signatures of ours, as processes."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.embedded.broker import EmbeddedKafka
from services.embedded.jars import Jar, Program, fetched
from services.embedded.java import find
from services.embedded.ports import pick
from tests.waiting import eventually

_S3 = Program(
    "S3Proxy",
    "3.1.0",
    [
        Jar(
            "org.gaul:s3proxy:3.1.0:jar-with-dependencies",
            "7e348225287f2efa580b1f9be170a3efe187bc6cfa9cd3730968863d1c7363ac",
            93_365_717,
        )
    ],
)
KEY_ID, KEY, BUCKET = "media-tests", "a secret key of the tests", "media"
# What our signature is for: nobody's virus.
VIRUS = b"SWITCHBOARD-STANDARD-TEST-FILE"
VIRUS_NAME = "Switchboard.Test.UNOFFICIAL"


def found_clamd() -> str:
    """Its path. Skips the test where there is none."""
    found = shutil.which("clamd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        pytest.skip("no clamd on this machine; Debian's package clamav-daemon has it")
    return found


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
    # Whoever may read the folder may list the bucket.
    bucket.mkdir(mode=0o700, parents=True)
    config = folder / "s3.properties"
    config.write_text(
        f"s3proxy.endpoint=http://127.0.0.1:{port}\ns3proxy.authorization=aws-v4\n"
        f"s3proxy.identity={KEY_ID}\ns3proxy.credential={KEY}\n"
        f"jclouds.provider=filesystem-nio2\njclouds.filesystem.basedir={bucket.parent}\n"
    )
    jars = fetched(_S3, lambda _: None)
    command = [find("java"), *EmbeddedKafka.jvm, "-cp", f"{jars}/*", "org.gaul.s3proxy.Main"]
    server = Server([*command, "--properties", str(config)], port, folder / "s3.log")
    server.start()
    try:
        yield server, bucket
    finally:
        server.stop()


@contextmanager
def scanning(clamd: str, folder: Path, unix_socket: Path | None = None) -> Iterator[Server]:
    """clamd, which knows VIRUS and nothing else."""
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
