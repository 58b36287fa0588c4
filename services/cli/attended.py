"""Work on the log that a person waits for and may stop: how it ends, and with which exit code."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from services.cli.console import make_console
from services.runtime.section import ConfigError

_INTERRUPTED = 130


def attend(work: Callable[[], Coroutine[Any, Any, None]], so_far: Callable[[], str], stopped: str) -> None:
    """Do the work. Exit 1 with a sentence for what is in its way, 130 after Ctrl-C with what `stopped` says.

    `so_far`: what was done before that, as a sentence, or nothing.
    """
    # The Kafka client logs each address that it cannot reach, and leaves the futures of batches that failed together to
    # asyncio; the error says it once.
    for name in ("aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        asyncio.run(work())
    except ConfigError as error:
        _end(so_far(), Text(str(error), "red"), 1)
    except KeyboardInterrupt:
        _end(so_far(), Text(stopped), _INTERRUPTED)


def _end(before: str, why: Text, code: int) -> NoReturn:
    if before:
        make_console().print(Text(before), soft_wrap=True)
    Console(stderr=True, highlight=False).print(why, soft_wrap=True)
    raise typer.Exit(code) from None
