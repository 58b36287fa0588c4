"""Kafka's classes as Java keeps them once loaded: with its archive a broker starts for half the CPU.

It lies beside the jars, one for each Java; `broker.keep_classes` writes it. Java goes on without one that is
another Java's, but crashes on half of one: an archive has its name only once it is whole.
"""

import fcntl
import hashlib
from collections.abc import Callable
from pathlib import Path

from services.embedded import jars


def options(java: str) -> tuple[str, ...]:
    """What Java is told so that it uses the archive; nothing where none is written."""
    file = _file(java)
    return (f"-XX:SharedArchiveFile={file}",) if file.exists() else ()


def write(java: str, run: Callable[[str], bool]) -> None:
    """Write the archive, where none is. `run` is given the option by which Java writes it as it ends, and says whether
    it ended in good order.

    Safe for several processes at once: one writes, the others wait.
    """
    file = _file(java)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if file.exists():
            return
        unfinished = file.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        if run(f"-XX:ArchiveClassesAtExit={unfinished}") and unfinished.exists():
            unfinished.rename(file)


def _file(java: str) -> Path:
    program = Path(java).resolve()
    named = hashlib.sha256(f"{program} {program.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    return jars.cache_root() / f"kafka-{jars.VERSION}-java-{named}.jsa"
