"""`switchboard keywords try TEXT`: what would come of a message to us."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.plain import plain
from services.cli.refused import Refused
from services.operations.hearing import Coming, tried
from services.runtime.config import load
from services.runtime.tenants.opening import tenants_of

app = typer.Typer(help="Rules for what people write.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """One command is a group too."""


@app.command("try")
def try_(
    text: Annotated[str, typer.Argument(help="What somebody writes.")],
    tenant: Annotated[str, typer.Option(help="To whom.")],
    from_: Annotated[str, typer.Option("--from", help="Who writes: an address as Twilio gives it.")] = "+14155550123",
    to: Annotated[str, typer.Option(help="The sender of ours; left out: any number.")] = "+14155550100",
) -> None:
    """Say which rule a text is for now, what is answered and told, and what it says of consent. Nothing is sent."""
    settings = load()
    known = tenants_of(settings)
    if tenant not in known:
        raise Refused(f"no tenant {tenant!r} is configured; there are: {', '.join(sorted(known)) or 'none'}")
    table = Table("", "", show_header=False)
    for name, value in _rows(tried(tenant, known[tenant], text, from_, to)):
        table.add_row(name, plain(value))
    Console().print(table)


def _rows(found: Coming) -> list[tuple[str, str]]:
    rows = [("consent", f"{found.heard.says}, by {found.heard.by}" if found.heard else "nothing")]
    rows.append(("reply", "none" if found.reply is None else found.reply))
    if found.told is None:
        return [*rows, ("told", "nothing but the message itself")]
    values = "".join(f", {name}: {value}" for name, value in found.told.values.items())
    desk = [("ticket", found.told.ticket)] if found.told.ticket else []
    return [*rows, ("told", f"rule {found.told.rule}{values}"), *desk]
