"""`switchboard token new NAME`: a token for the query API, and the lines for the settings."""

import re
from typing import Annotated

import typer

from services.cli.refused import Refused
from services.runtime.tokens import NAMES, digest, draw

_NAME = re.compile(NAMES)

app = typer.Typer(help="Tokens of the query API.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Tokens of the query API."""


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Whose it is: it stands in the audit of each look at unmasked data.")],
    tenant: Annotated[str | None, typer.Option(help="Whose rows it shows; left out, those of all tenants.")] = None,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="Show whole numbers; each look is audited.")] = False,
) -> None:
    """Make a token. It is shown once and kept nowhere; the settings have its hash."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r}: letters, digits and . _ @ -, at most 64")
    token = draw()
    scope = "unmasked" if unmasked else "masked"
    where = f"the settings of tenant {tenant}" if tenant else "the settings"
    typer.echo(f"The token, which is kept nowhere else; whoever asks sends it (SWITCHBOARD_TOKEN):\n\n  {token}\n")
    typer.echo(f"For {where}:\n")
    indent = "" if tenant else "  "
    lines = ["tokens:", f"  {name}: {{sha256: {digest(token)}, scope: {scope}}}"]
    typer.echo("\n".join([*([] if tenant else ["processor:"]), *(indent + line for line in lines)]))
