"""Programs run to their end."""

import subprocess
from collections.abc import Mapping, Sequence

from services.embedded.errors import BrokerFailedError, tail


def run(command: Sequence[str], what: str, timeout_s: float, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it wrote to stdout.

    Raises BrokerFailedError with its last lines if it fails or takes longer than `timeout_s` seconds.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the program is found by us, the arguments are ours
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
