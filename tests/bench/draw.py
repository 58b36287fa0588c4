"""Draw charts side by side, as a program: `FILE`, and the charts (`report.Chart`) as a JSON list on stdin.

A program of its own because matplotlib is in the bench's environment alone.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import msgspec
from matplotlib.figure import Figure

from tests.bench.report import Chart

_WIDTH, _HEIGHT = 4.2, 3.4


def draw(charts: list[Chart], file: Path) -> None:
    """Write an SVG whose words stay words, and that is the same for the same figures."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "switchboard"})
    figure = Figure(figsize=(_WIDTH * len(charts), _HEIGHT), layout="constrained")
    for axes, chart in zip(figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True):
        xs, ys = zip(*chart.points, strict=True)
        axes.plot(xs, ys, marker="o", color="#1f5fa8")
        axes.set(title=chart.title, xlabel=chart.x, ylabel=chart.y)
        if chart.logarithmic:
            axes.set_xscale("log")
        else:
            axes.set_xticks(xs)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.savefig(file, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    draw(msgspec.json.decode(sys.stdin.buffer.read(), type=list[Chart]), Path(sys.argv[1]))
