"""`switchboard replay`: raw facts, shown, and with --apply written to their topics once more."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from services.cli.attended import attend
from services.cli.bars import Bars
from services.cli.console import make_console
from services.cli.times import Time
from services.operations.replay.facts import Asked, Tally, topics
from services.operations.replay.replaying import Replay
from services.operations.times import limits
from services.operations.whose import key_of
from services.runtime.config import load

_STOPPED = "Stopped. What was replayed stays: it is the same facts, and a second run may replay them again."


def replay(
    sid: Annotated[
        list[str] | None, typer.Option(help="Facts about this MessageSid; may be given several times.")
    ] = None,
    contact: Annotated[str | None, typer.Option(help="Facts about this person: an address or a contact key.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Facts of this tenant.")] = None,
    since: Time = None,
    until: Time = None,
    topic: Annotated[str | None, typer.Option(help="Of this raw topic alone; else of both.")] = None,
    per_second: Annotated[
        float, typer.Option(min=0.01, help="At most so many; sends wait behind what is replayed.")
    ] = 500,
    every: Annotated[bool, typer.Option("--all", help="Every fact, where no filter is given.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else it is only shown.")] = False,
) -> None:
    """Write raw facts to their topics once more: same key, bytes and headers, so the same facts with the same ids.

    It changes nothing that was right, and mends what a fold has lost. Times: when we heard of it. What could not be
    folded is retried by `switchboard dead retry --reason …`.
    """
    runs: list[Replay] = []

    async def work() -> None:
        settings = load()
        key = None if contact is None else await key_of(settings, tenant, contact)
        asked = Asked(topics(topic), frozenset(sid or ()), tenant, key, *limits(since, until))
        bars, run = Bars(), Replay(settings, asked, every, per_second)
        runs.append(run)
        with bars.progress:
            await run.run(apply, bars.show)
        _tell(run, apply)

    attend(work, lambda: _so_far(runs), _STOPPED)


def _so_far(runs: list[Replay]) -> str:
    return f"{runs[0].written:,} facts were replayed before that." if runs and runs[0].written else ""


def _tell(run: Replay, apply: bool) -> None:
    _show(run.tallies.items())
    if apply:
        _say(f"{run.written:,} facts were replayed.")
    elif run.chosen:
        _say(f"{run.chosen:,} facts would be replayed. Nothing was written; --apply does it.")
    else:
        _say("No fact is meant.")
    if any(tally.unreadable for tally in run.tallies.values()):
        _say("What cannot be read is among the dead letters: switchboard dead list")


def _show(tallies: Iterable[tuple[str, Tally]]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("topic", "facts", "from (UTC)", "to (UTC)", "copies left out", "cannot be read"):
        table.add_column(name, no_wrap=True)
    for name, tally in tallies:
        counts = (f"{tally.copies:,}", f"{tally.unreadable:,}")
        table.add_row(name, f"{tally.chosen:,}", tally.first or "", tally.last or "", *counts)
    make_console().print(table, crop=False)


def _say(line: str) -> None:
    make_console().print(Text(line), soft_wrap=True)
