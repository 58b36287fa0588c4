"""Tables: on the screen, and as Markdown for the README."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from statistics import median

from rich.table import Table as Screen

_PACKAGES = ("aiohttp", "aiokafka", "faust-streaming", "rocksdict", "fastapi", "uvicorn", "quixstreams", "twilio")


@dataclass(frozen=True)
class Chart:
    """Curves by their names: titles with their units, and each one's points from left to right."""

    title: str
    x: str
    y: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    logarithmic: bool = False


@dataclass(frozen=True)
class Table:
    """Figures with what must be known to read them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default=())
    charts: Sequence[Chart] = field(default=())

    def screen(self) -> Screen:
        """For rich; the first column is text, the others are figures."""
        shown = Screen(title=self.title, title_justify="left", caption="\n".join(self.notes), caption_justify="left")
        for place, column in enumerate(self.columns):
            shown.add_column(column, justify="right" if place else "left")
        for row in self.rows:
            shown.add_row(*row)
        return shown

    def markdown(self) -> str:
        """For GitHub."""
        rule = [":--", *["--:"] * (len(self.columns) - 1)]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.columns, rule, *self.rows)]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"### {self.title}", "", *lines, *(["", *notes] if notes else [])])


def document(command: str, tables: Sequence[Table]) -> str:
    """All tables as Markdown, under what they were measured with."""
    head = f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {conditions()}."
    return "\n\n".join([head, *(table.markdown() for table in tables)]) + "\n"


def conditions() -> str:
    """The machine and the versions."""
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return f"{system}; {', '.join(found)}"


def count(value: float) -> str:
    """`12,345`."""
    return f"{value:,.0f}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def mebibytes(size: float) -> str:
    return f"{size / (1 << 20):,.0f} MiB"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """The median of the ratios round by round: what disturbs one round disturbs both its halves."""
    each = [one / other for one, other in zip(ours, theirs, strict=True)]
    return f"{median(each):.2f} (rounds: {', '.join(f'{one:.2f}' for one in each)})"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, int(share * len(ordered) + 0.999999) - 1))]
