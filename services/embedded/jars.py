"""Kafka's jars: fetched once per user by jgo, which needs neither Maven nor Java, and kept outside the tree.

They lie in `kafka-<version>` under `$SWITCHBOARD_CACHE`, by default `$XDG_CACHE_HOME/switchboard` or
`~/.cache/switchboard`. `jars.lock` pins each with its SHA-256; `python -m services.embedded.pin` makes it anew.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from services.embedded.errors import BrokerFailedError, ToolMissingError

VERSION = "4.1.0"
_LOCK = Path(__file__).with_name("jars.lock")
# What is fetched, in megabytes, between two lines of progress.
_TOLD_EVERY_MB = 10
_AT_ONCE = 8
_TIMEOUT_S = 60


class Jar(NamedTuple):
    """One jar as it is pinned: `group:artifact:version`, the SHA-256 of its bytes, their number."""

    coordinate: str
    sha256: str
    size: int


def cache_root() -> Path:
    if named := os.environ.get("SWITCHBOARD_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "switchboard"


def pinned() -> list[Jar]:
    """All jars of the broker."""
    lines = _LOCK.read_text(encoding="ascii").splitlines()
    return [Jar(coordinate, digest, int(size)) for coordinate, digest, size in map(str.split, lines)]


def ensure(say: Callable[[str], None]) -> Path:
    """The folder that holds the jars, fetched now if it is not there yet; `say` is told the progress.

    Safe for several processes at once: one fetches, the others wait. A fetch that dies leaves nothing that
    looks complete. Raises ToolMissingError without jgo, BrokerFailedError where a jar can't be had as it is pinned.
    """
    jars = cache_root() / f"kafka-{VERSION}"
    if jars.is_dir():
        return jars
    context = _maven(jars.parent)
    with (jars.parent / f"{jars.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.is_dir():
            _fetch(context, jars, say)
            say(f"Kafka is in {jars}.")
    return jars


def _maven(root: Path) -> Callable[[Path], Any]:
    try:
        # It takes half a second to import, for what is fetched once.
        from jgo.maven import MavenContext  # noqa: PLC0415
    except ImportError as error:
        raise ToolMissingError(
            "Kafka's jars are fetched by jgo; install switchboard[kafka], or name a running broker"
        ) from error
    root.mkdir(parents=True, exist_ok=True)
    mirror = os.environ.get("SWITCHBOARD_MAVEN_URL")
    remote = {"mirror": mirror.rstrip("/")} if mirror else None
    return lambda folder: MavenContext(repo_cache=folder, remote_repos=remote, timeout=_TIMEOUT_S)


def _fetch(maven: Callable[[Path], Any], jars: Path, say: Callable[[str], None]) -> None:
    wanted = pinned()
    progress = _Progress(sum(jar.size for jar in wanted), say)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{jars.name}.", dir=jars.parent))
    try:
        context = maven(unfinished / "repository")
        chosen = unfinished / "jars"
        chosen.mkdir()

        def fetch(jar: Jar) -> None:
            _take(_resolved(context, jar), jar, chosen)
            progress.add(jar.size)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(fetch, wanted))
        chosen.rename(jars)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _resolved(context: Any, jar: Jar) -> Path:
    try:
        return Path(context.create_dependency(jar.coordinate).artifact.resolve())
    except (OSError, RuntimeError) as error:
        # jgo names the address it tried; requests' errors are OSErrors.
        raise BrokerFailedError(
            f"{jar.coordinate} cannot be fetched ({type(error).__name__}). Behind a proxy set HTTPS_PROXY; a mirror of "
            "Maven's repository is named by SWITCHBOARD_MAVEN_URL"
        ) from error


def _take(found: Path, jar: Jar, folder: Path) -> None:
    with found.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != jar.sha256:
        raise BrokerFailedError(f"{jar.coordinate} is not the jar that is pinned: its SHA-256 is {digest}")
    found.rename(folder / found.name)


class _Progress:
    """Tells of each so many megabytes."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total_mb = round(total / 1e6)
        self._say = say
        self._done = 0
        self._told_mb = 0
        self._one_at_a_time = threading.Lock()
        say(f"The first run downloads Kafka {VERSION} ({self._total_mb} MB) …")

    def add(self, size: int) -> None:
        with self._one_at_a_time:
            self._done += size
            done_mb = int(self._done / 1e6)
            if done_mb >= self._told_mb + _TOLD_EVERY_MB:
                self._told_mb = done_mb
                self._say(f"  … {done_mb} of {self._total_mb} MB")
