"""The spool's files, blocking: every function returns when the disk has it. Called in threads."""

import fcntl
import logging
import os
from pathlib import Path
from typing import NamedTuple

from services.ingress import metrics, segments
from services.ingress.segments import Fact
from services.runtime.section import ConfigError

_log = logging.getLogger(__name__)

close = os.close


class File(NamedTuple):
    """A segment on disk: its bytes, and when its first fact came (ms since 1970)."""

    path: Path
    size: int
    since_ms: int


def create(path: Path) -> int:
    """A new file for appending, readable by us alone: facts hold personal data."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    _sync_directory(path.parent)
    return fd


def lock(directory: Path) -> int:
    """Make the directory and hold it until the descriptor is closed. Raises ConfigError."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"ingress.spool.directory: cannot write {directory}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise ConfigError(
            f"ingress.spool.directory: another ingress uses {directory}; give each a directory of its own"
        ) from error
    return fd


def existing(directory: Path) -> list[File]:
    """The segments that an earlier process left, oldest first."""
    found = []
    for path in sorted(directory.glob("[0-9]*.facts")):
        with path.open("rb") as file:
            first = segments.spooled_at(file.readline())
        stat = path.stat()
        found.append(File(path, stat.st_size, first or int(stat.st_mtime * 1000)))
    return found


def read(path: Path) -> list[Fact]:
    """A segment's facts. Damaged lines go to a `.corrupt` file beside it, with an error in the log."""
    read = segments.decode(path.read_bytes())
    if read.torn:
        _log.info("%s ends in the middle of a line, which was never acknowledged; it is dropped", path.name)
    if read.corrupt:
        aside = path.with_suffix(".corrupt")
        _log.error("%d lines of %s are damaged; they are kept in %s", len(read.corrupt), path.name, aside)
        aside.unlink(missing_ok=True)
        write(aside, b"".join(line + b"\n" for line in read.corrupt))
        metrics.CORRUPT.inc(len(read.corrupt))
    return read.facts


def write(path: Path, data: bytes) -> None:
    """Add to a file, made if need be; on disk when this returns."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        append(fd, data)
    finally:
        os.close(fd)
    _sync_directory(path.parent)


def replace(path: Path, data: bytes) -> None:
    """Put this in the file's place: after a loss of power there is the one or the other, whole."""
    beside = path.with_suffix(".new")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        append(fd, data)
    finally:
        os.close(fd)
    os.replace(beside, path)
    _sync_directory(path.parent)


def append(fd: int, data: bytes) -> None:
    """Write all of it and fsync."""
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]
    os.fsync(fd)


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
