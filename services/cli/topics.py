"""`switchboard topics plan|apply`: bring the broker's topics in step with the registry. Nothing is ever deleted."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.acls import acls
from services.cli.refused import IN_THE_WAY
from services.contract.plan import Action, Kind, refusals
from services.operations.topics import ensure, planned
from services.runtime import config
from services.runtime.config import Settings

app = typer.Typer(no_args_is_help=True, help="Plan and apply the topics at the broker.")
app.command("acls")(acls)

_STYLES: dict[Kind, str] = {"create": "green", "in step": "dim", "differs": "yellow", "refused": "bold red"}

ShortenRetention = Annotated[
    bool, typer.Option("--shorten-retention", help="Cut a longer retention too: older records are deleted.")
]


@app.command("plan")
def show_plan(shorten_retention: ShortenRetention = False) -> None:
    """Show what `apply` would do, and why. Changes nothing.

    Exit code: 0 nothing to do, 1 something to do, 2 refused or impossible.
    """
    actions = _run(lambda settings: planned(settings, shorten_retention))
    _print(actions)
    if refusals(actions):
        raise typer.Exit(IN_THE_WAY)
    if any(action.changes for action in actions):
        raise typer.Exit(1)


@app.command("apply")
def apply_plan(shorten_retention: ShortenRetention = False) -> None:
    """Create missing topics and set what differs; keys that are not ours stay, and nothing is deleted.

    Partition counts never change in place: such a topic is refused, and then nothing is changed at all.
    Exit code: 0 all in step, 2 refused or impossible.
    """
    done = _run(lambda settings: ensure(settings, shorten_retention))
    console = Console(highlight=False)
    for line in done or ["all topics are in step"]:
        console.print(Text(line), soft_wrap=True)


def _run(work: Callable[[Settings], Coroutine[Any, Any, Any]]) -> Any:
    # It logs each address that it cannot reach; the error says it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return asyncio.run(work(config.load()))


def _print(actions: list[Action]) -> None:
    table = Table("topic", "state", "what and why")
    for action in actions:
        table.add_row(action.topic.name, Text(action.kind, _STYLES[action.kind]), "\n".join(action.why))
    Console(highlight=False).print(table)
