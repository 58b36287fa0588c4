"""`switchboard check`: does a log keep the promises? The live one, or one that was recorded."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.checker.check import check as check_history
from services.checker.finding import Finding
from services.checker.history import History, HistoryError, read_history, write_history
from services.cli.bars import Bars
from services.cli.console import make_console
from services.cli.plain import plain
from services.cli.refused import IN_THE_WAY
from services.operations.history import read_live
from services.runtime.config import Settings, load
from services.runtime.section import ConfigError

_BROKEN = 1
# Of each kind of fault; the rest is counted.
_SHOWN = 5


def check(
    folder: Annotated[
        Path | None, typer.Argument(help="A log recorded by --record; default: the live log, as configured.")
    ] = None,
    record: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Keep there what was read.")] = None,
) -> None:
    """Check the published promises one by one. Exit 0: all held; 1: something is broken; 2: it cannot be read.

    The log must not be large: all of it is held in memory. A record holds phone numbers and texts as the log does.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        history = read_history(folder) if folder is not None else _live(load())
        if record is not None:
            write_history(record, history)
    except (HistoryError, ConfigError, OSError) as error:
        Console(stderr=True, highlight=False).print(Text(str(error), "red"), soft_wrap=True)
        raise typer.Exit(IN_THE_WAY) from None
    findings = check_history(history)
    _tell(make_console(), history, findings)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(_BROKEN)


def _live(settings: Settings) -> History:
    bars = Bars()
    with bars.progress:
        return asyncio.run(read_live(settings, lambda done, total: bars.show("records read", done, total)))


def _tell(console: Console, history: History, findings: Sequence[Finding]) -> None:
    table = Table(title=f"The promises, by {len(history.entries):,} records", title_justify="left")
    table.add_column("promise")
    for name in ("checked", "lost", "doubled", "wrong"):
        table.add_column(name, justify="right")
    table.add_column("ok", justify="center")
    for one in findings:
        counts = (f"{count:,}" for count in (one.checked, len(one.lost), len(one.doubled), len(one.wrong)))
        table.add_row(one.promise, *counts, _tick(one))
    console.print(table)
    for one in findings:
        for kind, faults in (("lost", one.lost), ("doubled", one.doubled), ("wrong", one.wrong)):
            _name(console, f"{kind}: {one.promise}", faults)
    for one in findings:
        if one.unchecked:
            console.print(plain(f"Not checked: {one.promise}: {one.unchecked}."), soft_wrap=True)
    if not history.settled:
        console.print(
            "The log had not come to rest, or nobody knows: what hangs on its end was not looked at.",
            soft_wrap=True,
        )
    broken = sum(not one.ok for one in findings)
    held = sum(one.ok and one.checked > 0 for one in findings)
    console.print(Text(f"Promises held: {held}, broken: {broken}.", "bold red" if broken else "bold green"))


def _name(console: Console, title: str, faults: Sequence[str]) -> None:
    if not faults:
        return
    console.print(Text(title, "bold red"), soft_wrap=True)
    for fault in faults[:_SHOWN]:
        console.print(Text("  ") + plain(fault), soft_wrap=True)
    if (more := len(faults) - _SHOWN) > 0:
        console.print(f"  and {more:,} more")


def _tick(finding: Finding) -> Text:
    if not finding.ok:
        return Text("✗", "bold red")
    return Text("✓", "green") if finding.checked else Text("–", "dim")
