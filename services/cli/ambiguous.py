"""`switchboard ambiguous`: commands whose call may or may not have done it, for a person to look at."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.plain import plain
from services.cli.refused import Refused
from services.domain.clock import seconds_between
from services.operations.ambiguous import Outcome, ambiguous, sid_of
from services.operations.ambiguous import resolve as resolve_ambiguous
from services.runtime.clock import now
from services.runtime.config import load
from services.runtime.masking import scrub

app = typer.Typer(help="Commands whose end is not known: list, show, resolve.", no_args_is_help=True)

Url = Annotated[str | None, typer.Option(help="Any processor's URL; default: as configured.")]

Tenant = Annotated[str | None, typer.Option(help="Whose command.")]


@app.command("list")
def show_all(url: Url = None, tenant: Tenant = None) -> None:
    """All of them, the oldest first."""
    found = ambiguous(_place(url), tenant)
    table = Table(title=plain(f"{len(found)} ambiguous"), title_justify="left")
    for name in ("command", "tenant", "contact", "since", "age", "why"):
        table.add_column(name, overflow="fold")
    for one in found:
        age = f"{seconds_between(one['at'], now()):.0f} s"
        cells = (one["command_id"], one["tenant"], one["contact"], one["at"], age, scrub(one["reason"] or ""))
        table.add_row(*map(plain, cells))
    Console().print(table)


@app.command("show")
def show(command_id: str, url: Url = None, tenant: Tenant = None) -> None:
    """One of them, and what to do about it. Exit 1 when it is not ambiguous."""
    console = Console()
    for one in _named(url, command_id, tenant):
        console.print(plain(f"{one['command_id']} of {one['tenant']}: ambiguous since {one['at']}"))
        console.print(plain(scrub(one["reason"] or "")))
        console.print(
            "It is never sent again by itself. Look in Twilio's message log for a message to that person at that time; "
            "where it starts a flow, in Studio's log for their execution. Then say what you found:"
        )
        console.print(
            plain(f"  switchboard ambiguous resolve {one['command_id']} --tenant {one['tenant']} --sent SM… (or FN…)")
        )
        console.print(plain(f"  switchboard ambiguous resolve {one['command_id']} --tenant {one['tenant']} --not-sent"))


@app.command("resolve")
def resolve(
    command_id: str,
    sent: Annotated[str | None, typer.Option(help="The MessageSid, or the execution's FN…, that was found.")] = None,
    not_sent: Annotated[bool, typer.Option("--not-sent", help="There is none: end it as failed.")] = False,
    by: Annotated[str, typer.Option(help="Who found it out; stands in the result.")] = "a person",
    note: Annotated[str | None, typer.Option(help="How; stands in the result.")] = None,
    contact: Annotated[str | None, typer.Option(help="Whose, where several have this id: a contact key.")] = None,
    url: Url = None,
    tenant: Tenant = None,
) -> None:
    """Say how it ended. Produces a command to that effect; nothing is sent to anybody."""
    if (sent is not None) == not_sent:
        raise Refused("give --sent with the MessageSid or the execution's sid, or --not-sent")
    outcome = Outcome(None if sent is None else sid_of(sent), by, note)
    whose = asyncio.run(resolve_ambiguous(load(), _named(url, command_id, tenant), contact, outcome))
    Console().print(plain(f"Said. Its result follows: switchboard trace {command_id} --tenant {whose}"))


def _named(url: str | None, command_id: str, tenant: str | None) -> list[dict[str, Any]]:
    found = ambiguous(_place(url), tenant, command_id)
    if not found:
        Console().print(plain(f"{command_id} is not ambiguous: it has ended, or is not known. See switchboard trace."))
        raise typer.Exit(1)
    return found


def _place(url: str | None) -> str:
    return url or load().processor.url
