"""The console that a command prints tables and lines on."""

import sys

from rich.console import Console

_PLAIN_WIDTH = 120


def make_console() -> Console:
    """One that writes no control characters where nobody could see them."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, force_terminal=False, no_color=True, width=_PLAIN_WIDTH)
