"""How a command that starts processes ends: Ctrl-C at any moment stops all of them, once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from services.local.stack import Stack


def arm_signals() -> None:
    """SIGTERM ends us as Ctrl-C does, and both also where we were started in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


@contextmanager
def undisturbed(stack: Stack) -> Iterator[Stack]:
    """The stack, stopped at the end; a second Ctrl-C is not to leave half of it running."""
    try:
        yield stack
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stack.stop()
