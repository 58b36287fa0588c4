"""How a command ends: work that a person waits for and may stop, and the exit code where something is in its way."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from services.cli.refused import IN_THE_WAY
from services.runtime.section import ConfigError

_INTERRUPTED = 130


def attend(work: Callable[[], Coroutine[Any, Any, None]], so_far: Callable[[], str], stopped: str) -> None:
    """Do the work. Exit 2 with a sentence for what is in its way, 130 after Ctrl-C with what `stopped` says.

    `so_far`: what was done before that, as a sentence, or nothing.
    """
    quiet()
    try:
        asyncio.run(work())
    except ConfigError as error:
        _end(so_far(), Text(str(error), "red"), IN_THE_WAY)
    except KeyboardInterrupt:
        _end(so_far(), Text(stopped), _INTERRUPTED)


def quiet() -> None:
    """Let an error say once what the Kafka client logs of each address that it cannot reach, and asyncio of futures."""
    for name in ("aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _end(before: str, why: Text, code: int) -> NoReturn:
    console = Console(stderr=True, highlight=False)
    for line in filter(None, (Text(before), why)):
        console.print(line, soft_wrap=True)
    raise typer.Exit(code) from None
