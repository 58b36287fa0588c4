"""What every command prints to: no text of others turns a line around there, whichever way it came in."""

import io
import sys
from typing import TextIO

from services.runtime.masking import straight


class _Screen(io.TextIOWrapper):
    """Its bytes (`buffer`) are as they are: a file that a person asked for."""

    def write(self, text: str) -> int:
        return super().write(straight(text))


def straighten() -> None:
    """From now on, for both outputs of this process."""
    sys.stdout, sys.stderr = _over(sys.stdout), _over(sys.stderr)


def _over(stream: TextIO) -> TextIO:
    encoding, errors = stream.encoding, stream.errors
    return _Screen(stream.buffer, encoding=encoding, errors=errors, line_buffering=bool(stream.line_buffering))
