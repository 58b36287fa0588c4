"""Jars of a program, Kafka's first of all: fetched once per user by jgo, which needs neither Maven nor Java, and kept
outside the tree.

They lie in `kafka-<version>` under `$SWITCHBOARD_CACHE`, by default `$XDG_CACHE_HOME/switchboard` or
`~/.cache/switchboard`. `jars.lock` pins each of Kafka's with its SHA-256; `python -m services.embedded.pin` makes it
anew.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
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


class Program(NamedTuple):
    """What runs from jars: its name and version, by which their folder is called, and all of them."""

    name: str
    version: str
    jars: Sequence[Jar]


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
    """The folder that holds the broker's jars; see `fetched`."""
    return fetched(Program("Kafka", VERSION, pinned()), say)


def fetched(program: Program, say: Callable[[str], None]) -> Path:
    """The folder that holds a program's jars, fetched now if it is not there yet; `say` is told the progress.

    Safe for several processes at once: one fetches, the others wait. A fetch that dies leaves nothing that
    looks complete. Raises ToolMissingError without jgo, BrokerFailedError where a jar can't be had as it is pinned.
    """
    folder = cache_root() / f"{program.name.lower()}-{program.version}"
    if folder.is_dir():
        return folder
    maven = _maven(program, folder.parent)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(maven, program, folder, say)
            say(f"{program.name} is in {folder}.")
    return folder


def _maven(program: Program, root: Path) -> Callable[[Path], Any]:
    try:
        # It takes half a second to import, for what is fetched once.
        from jgo.maven import MavenContext  # noqa: PLC0415
    except ImportError as error:
        raise ToolMissingError(
            f"{program.name}'s jars are fetched by jgo; install switchboard[kafka], or name a running broker"
        ) from error
    root.mkdir(parents=True, exist_ok=True)
    mirror = os.environ.get("SWITCHBOARD_MAVEN_URL")
    remote = {"mirror": mirror.rstrip("/")} if mirror else None
    return lambda folder: MavenContext(repo_cache=folder, remote_repos=remote, timeout=_TIMEOUT_S)


def _fetch(maven: Callable[[Path], Any], program: Program, folder: Path, say: Callable[[str], None]) -> None:
    progress = _Progress(program, say)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        context = maven(unfinished / "repository")
        chosen = unfinished / "jars"
        chosen.mkdir()

        def fetch(jar: Jar) -> None:
            _take(_resolved(context, jar), jar, chosen)
            progress.add(jar.size)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(fetch, program.jars))
        chosen.rename(folder)
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

    def __init__(self, program: Program, say: Callable[[str], None]) -> None:
        self._total_mb = round(sum(jar.size for jar in program.jars) / 1e6)
        self._say = say
        self._done = 0
        self._told_mb = 0
        self._one_at_a_time = threading.Lock()
        say(f"The first run downloads {program.name} {program.version} ({self._total_mb} MB) …")

    def add(self, size: int) -> None:
        with self._one_at_a_time:
            self._done += size
            done_mb = int(self._done / 1e6)
            if done_mb >= self._told_mb + _TOLD_EVERY_MB:
                self._told_mb = done_mb
                self._say(f"  … {done_mb} of {self._total_mb} MB")
