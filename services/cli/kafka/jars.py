"""Kafka's jars: fetched by Maven once per user, kept outside the tree.

They lie in `kafka-<version>` under `$SWITCHBOARD_CACHE`, by default `$XDG_CACHE_HOME/switchboard` or
`~/.cache/switchboard`.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from services.cli.kafka.tools import find, run

_GOAL = "dependency:copy-dependencies"
_POM = Path(__file__).with_name("pom.xml")
# 54 MB on a slow line; beyond this Maven hangs rather than loads.
_DOWNLOAD_TIMEOUT_S = 900.0


def cache_root() -> Path:
    if named := os.environ.get("SWITCHBOARD_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "switchboard"


def ensure(say: Callable[[str], None]) -> Path:
    """The folder that holds the jars, fetched now if it is not there yet; `say` is told the progress.

    Safe for several processes at once: one fetches, the others wait. A fetch that dies leaves nothing that
    looks complete. Raises ToolMissingError without Maven, BrokerFailedError with Maven's last lines.
    """
    jars = cache_root() / f"kafka-{_version()}"
    if jars.is_dir():
        return jars
    mvn = find("mvn")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with (jars.parent / f"{jars.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.is_dir():
            say(f"The first run downloads Kafka {_version()} by Maven (54 MB, about a minute) …")
            _fetch(mvn, jars)
            say(f"Kafka is in {jars}.")
    return jars


def _fetch(mvn: str, jars: Path) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix=f"{jars.name}.", dir=jars.parent))
    try:
        run(
            [mvn, "-q", "-B", "-f", str(_POM), _GOAL, f"-DoutputDirectory={unfinished}"],
            what="Maven, fetching Kafka's jars,",
            timeout_s=_DOWNLOAD_TIMEOUT_S,
        )
        unfinished.rename(jars)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _version() -> str:
    """Kafka's version stands in the pom alone."""
    found = re.search(r"<kafka\.version>(.+?)</kafka\.version>", _POM.read_text(encoding="utf-8"))
    assert found is not None, "pom.xml has no kafka.version"
    return found[1]
