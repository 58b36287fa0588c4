"""Options that take a moment."""

from typing import Annotated

import typer

from services.operations.times import EXAMPLE

Time = Annotated[str | None, typer.Option(metavar="TIME", help=f"ISO 8601 with a zone, such as {EXAMPLE}.")]
