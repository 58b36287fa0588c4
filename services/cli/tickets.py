"""`switchboard tickets`: what no desk took, for a person to look at, and to have tried again."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.plain import plain
from services.cli.refused import Refused
from services.operations.tickets import Wanted, given_up
from services.operations.tickets import retry as retry_tickets
from services.runtime.config import load
from services.runtime.masking import scrub

app = typer.Typer(help="Tickets that were given up: list, retry.", no_args_is_help=True)

Tenant = Annotated[str | None, typer.Option(help="Only of this tenant.")]
Tickets = Annotated[list[str] | None, typer.Argument(metavar="[TICKET]…", help="As `tickets list` names them.")]
Desk = Annotated[str | None, typer.Option(help="Only of this desk.")]


@app.command("list")
def show_all(tenant: Tenant = None, desk: Desk = None) -> None:
    """Those that nobody has had tried again since, the oldest first."""
    found = asyncio.run(given_up(load().kafka, Wanted(tenant=tenant, desk=desk)))
    table = Table(title=plain(f"{len(found)} given up"), title_justify="left")
    for name in ("ticket", "tenant", "desk", "rule", "given up", "tries", "last answer"):
        table.add_column(name, overflow="fold")
    for one in found:
        cells = (one.keyword_event_id, one.tenant, one.desk, one.rule, one.at, str(one.tries), scrub(one.answer))
        table.add_row(*map(plain, cells))
    Console().print(table)


@app.command("retry")
def retry(
    tickets: Tickets = None,
    tenant: Tenant = None,
    desk: Desk = None,
    every: Annotated[bool, typer.Option("--all", help="Every one, where nothing else says which.")] = False,
    by: Annotated[str, typer.Option(help="Who says so; stands on the log.")] = "a person",
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else it is only shown.")] = False,
) -> None:
    """Have tickets tried again: at once, and then for 30 hours as at first. Each keeps its idempotency key."""
    if not (tickets or tenant or desk or every):
        raise Refused("say which: name tickets, or give --desk, --tenant, or --all")
    settings, names = load(), frozenset(tickets or ())
    found = asyncio.run(given_up(settings.kafka, Wanted(tenant=tenant, desk=desk, names=names)))
    if missing := sorted(names - {one.keyword_event_id for one in found}):
        raise Refused(f"no ticket that was given up: {', '.join(missing)}; `tickets list` shows those there are")
    if apply:
        asyncio.run(retry_tickets(settings.kafka, found, by))
    how = "are tried again" if apply else "would be tried again. Nothing was written; --apply does it"
    Console(soft_wrap=True).print(plain(f"{len(found):,} {how}."))
