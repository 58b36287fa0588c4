"""What a process costs, and which cores it may use. Linux's view; elsewhere there is no bench."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

MEASURED = {0}


class CannotMeasure(Exception):
    """This machine or environment does not allow the measurement; the text says what is missing."""


def needs(*packages: str) -> None:
    """Raises CannotMeasure if one of them is not installed."""
    if missing := [name for name in packages if find_spec(name) is None]:
        raise CannotMeasure(f"not installed: {', '.join(missing)}; `make bench` makes an environment that has all")


def others() -> set[int]:
    """The cores for the load generator and the broker: all but that of the process under measurement."""
    if not hasattr(os, "sched_setaffinity"):
        raise CannotMeasure("cores cannot be assigned here; the bench needs Linux")
    left = set(range(os.cpu_count() or 1)) - MEASURED
    if not left:
        raise CannotMeasure("one core only; the bench needs a second one for the broker and the load")
    return left


def everywhere() -> set[int]:
    return others() | MEASURED


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """Processes that are started inside run on these cores only: they inherit ours."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """User and system time so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def thread_cpu_seconds(pid: int) -> float:
    """The same of its first thread alone, to the microsecond: in a service that of the event loop."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def peak_bytes(pid: int) -> int:
    """The most that has been resident since the process began."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def bytes_read(pid: int) -> int:
    """Of whatever file, so far; also where they lay in the page cache."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar:"))


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
