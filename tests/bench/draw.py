"""Draw charts side by side, as a program: `FILE`, and the charts (`report.Chart`) as a JSON list on stdin.

A program of its own because matplotlib is in the bench's environment alone.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullLocator, StrMethodFormatter

from tests.bench.report import Chart

_WIDTH, _HEIGHT = 3.6, 3.0
# Both are seen on white and on near-black, so the ground is left to the page.
_INK = "#808890"
_COLOURS = ("#2f81f7", "#d2762b")


def draw(charts: list[Chart], file: Path) -> None:
    """Write an SVG whose words stay words, and that is the same for the same figures."""
    mpl.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "switchboard",
            "font.size": 9,
            **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
        }
    )
    figure = Figure(figsize=(_WIDTH * len(charts), _HEIGHT), layout="constrained")
    for axes, chart in zip(figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True):
        _draw(axes, chart)
    figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)


def _draw(axes: Axes, chart: Chart) -> None:
    for (name, points), colour in zip(chart.curves.items(), _COLOURS, strict=False):
        axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=name)
    axes.set(title=chart.title, xlabel=chart.x, ylabel=chart.y)
    if chart.logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(sorted({x for points in chart.curves.values() for x, _ in points}))
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.margins(y=0.1)
    axes.set_ylim(bottom=0)
    axes.grid(color=_INK, alpha=0.3)
    if len(chart.curves) > 1:
        axes.legend(framealpha=0, loc="upper left")


if __name__ == "__main__":
    draw(msgspec.json.decode(sys.stdin.buffer.read(), type=list[Chart]), Path(sys.argv[1]))
