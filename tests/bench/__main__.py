"""The command: which parts, how long, where the tables go."""

import argparse
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec
from aiokafka.errors import KafkaError
from rich.console import Console

from services.embedded.errors import EmbeddedKafkaError
from tests.bench import (
    fold,
    growth,
    ingress,
    latency,
    memory,
    producers,
    rates,
    refusal,
    sender,
    stop,
    store,
    strangers,
    tenants,
)
from tests.bench.load import ServerGone
from tests.bench.processes import CannotMeasure
from tests.bench.report import Table, conditions, document

PARTS: dict[str, Callable[[bool, Callable[[str], None]], list[Table]]] = {
    "ingress": ingress.measure,
    "fold": fold.measure,
    "growth": growth.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "producers": producers.measure,
    "rates": rates.measure,
    "refusal": refusal.measure,
    "sender": sender.measure,
    "stop": stop.measure,
    "store": store.measure,
    "strangers": strangers.measure,
    "tenants": tenants.measure,
}


def main(arguments: Sequence[str]) -> int:
    """Measure the named parts, or all. Returns the exit code: 2 where this machine does not allow it, 130 after
    Ctrl-C."""
    options = _parser().parse_args(arguments)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        _parser().error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.picture and find_spec("matplotlib") is None:
        _parser().error("--picture needs matplotlib; `make bench` makes an environment that has it")
    # A client's word on a broker that is still starting is no news here.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    console = Console()
    console.print(conditions(), style="dim")
    tables: list[Table] = []
    try:
        for part in options.parts or PARTS:
            tables += _measure(part, options.short, console)
    except (CannotMeasure, ServerGone, EmbeddedKafkaError, KafkaError) as error:
        console.print(str(error), style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        # What was measured before something failed has cost its time, too.
        if options.markdown and tables:
            text = document(f"python -m tests.bench {' '.join(arguments)}", tables)
            options.markdown.write_text(text, encoding="utf-8")
            console.print(f"the tables are in {options.markdown}")
        if options.picture and (charts := [chart for table in tables for chart in table.charts]):
            draw = [sys.executable, "-m", "tests.bench.draw", str(options.picture)]
            subprocess.run(draw, input=msgspec.json.encode(charts), check=True)
            console.print(f"the curves are in {options.picture}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure Switchboard on this machine.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; none named: all")
    parser.add_argument("--short", action="store_true", help="does it run? The figures say little")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there, too")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the curves there, as SVG")
    return parser


def _measure(part: str, short: bool, console: Console) -> list[Table]:
    started = time.monotonic()

    def say(line: str) -> None:
        console.print(f"{time.monotonic() - started:6.0f} s  {line}", style="dim", markup=False, highlight=False)

    tables = PARTS[part](short, say)
    for table in tables:
        console.print(table.screen(), markup=False)
    return tables


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
