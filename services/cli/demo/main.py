"""`switchboard demo`: start everything, play a story, compare both ends, stay up or end."""

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from services.checker.history import write_history
from services.cli.console import make_console
from services.cli.demo.report import tell_outcome, tell_places
from services.cli.refused import IN_THE_WAY
from services.demo import settings as demo_settings
from services.demo import story
from services.demo.round import Outcome, Round
from services.embedded.errors import EmbeddedKafkaError
from services.local.errors import LocalError
from services.local.layout import NAMES, Layout, asked_ports, choose_ports
from services.local.running import arm_signals, undisturbed
from services.local.show import Show
from services.local.stack import SERVICES, Stack
from services.runtime.section import ConfigError

_LOOK_S = 0.5
_INTERRUPTED = 130


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the table: exit 0 if all is well, 1 if not.")] = False,
    commands: Annotated[int, typer.Option(min=1, help="How many commands are produced.")] = 1000,
    port_base: Annotated[
        int, typer.Option(min=0, help=f"{', '.join(NAMES)} listen here and after; 0: free ports.")
    ] = 0,
    port: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="The port of one of them; may be repeated.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the throw-away folder, logs and record.")] = False,
) -> None:
    """Run the whole system on this machine: a Kafka, a Twilio, every service, and a story through them."""
    console = make_console()
    # What it has to say of a broker that comes or goes would run through the picture; errors that matter are raised.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # That the clock is moved is the demo's own doing.
    logging.getLogger("services.runtime.clock").setLevel(logging.ERROR)
    arm_signals()
    try:
        raise typer.Exit(_run(console, once, commands, asked_ports(port_base, port or []), keep))
    except (LocalError, EmbeddedKafkaError, ConfigError) as error:
        console.print(Text(str(error), "red"), soft_wrap=True)
        raise typer.Exit(IN_THE_WAY) from None
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        raise typer.Exit(_INTERRUPTED) from None


def _run(console: Console, once: bool, commands: int, asked: dict[str, int], keep: bool) -> int:
    ports = choose_ports(asked)
    with _folder(console, keep) as folder:
        layout = Layout(folder, ports)
        settings = demo_settings.prepare(layout)
        with undisturbed(Stack(layout, settings, None if keep else folder)) as stack:
            with Show(console) as show:
                show.say(f"starting kafka, {', '.join(SERVICES)}, then {commands:,} commands; Ctrl-C stops everything")
                stack.start(show)
                outcome = asyncio.run(Round(settings, story.write(commands), show).run(stack))
            if keep:
                write_history(folder / "record", outcome.history)
            tell_outcome(console, outcome)
            if not once:
                _stay(console, layout, stack, outcome)
    return 0 if outcome.ok else 1


def _stay(console: Console, layout: Layout, stack: Stack, outcome: Outcome) -> None:
    """Until Ctrl-C, or until a service ends by itself: then LocalError."""
    tell_places(console, layout, outcome.about.example)
    console.print(Text("\nEverything stays up until Ctrl-C.", "bold"))
    try:
        while True:
            stack.check()
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        console.print("Stopping what was started …")


@contextmanager
def _folder(console: Console, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="switchboard-demo-"))
    try:
        yield folder
    finally:
        if keep:
            console.print(f"Logs and data are in {folder}.", soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
