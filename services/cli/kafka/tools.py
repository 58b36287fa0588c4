"""The programs of the host that we call: java and keytool from the JDK, mvn."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from services.cli.kafka.errors import BrokerFailedError, ToolMissingError, tail

_REMEDY = {
    "java": "a JDK 17 or newer (Debian: apt install openjdk-17-jdk-headless)",
    "keytool": "a JDK 17 or newer, which brings it (Debian: apt install openjdk-17-jdk-headless)",
    "sh": "a POSIX shell",
    "mvn": "Apache Maven, which fetches Kafka's jars once (Debian: apt install maven)",
}


def find(name: str) -> str:
    """The path of a program. Raises ToolMissingError, which names what to install."""
    path = shutil.which(name)
    if path is None:
        raise ToolMissingError(
            f"`{name}` is not on the PATH; install {_REMEDY[name]}, or name a running broker instead"
        )
    return path


def run(command: Sequence[str], what: str, timeout_s: float, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it wrote to stdout.

    Raises BrokerFailedError with its last lines if it fails or takes longer than `timeout_s` seconds.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the program is found by `find`, the arguments are ours
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BrokerFailedError(f"{what} did not end within {timeout_s:.0f} s") from error
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()
        raise BrokerFailedError(f"{what} failed with exit code {done.returncode}:\n{tail(lines)}")
    return done.stdout
