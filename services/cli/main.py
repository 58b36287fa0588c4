"""The `switchboard` command."""

import os
from importlib.metadata import version
from typing import Annotated

import typer

from services.cli.commands import Commands
from services.cli.options import Config
from services.cli.screen import straighten

app = typer.Typer(
    cls=Commands,
    name="switchboard",
    help="Twilio on Kafka: signed webhooks in, folds over an append-only log, safe sends out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"switchboard {version('switchboard')}")
        raise typer.Exit


@app.callback()
def _options(
    config: Config = None,
    told: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del config, told  # their callbacks did it


def main() -> None:
    """The entry point."""
    # Tables, spool, snapshots, logs: whatever any command writes holds people's data, and is its owner's alone.
    os.umask(0o077)
    straighten()
    app()
