"""`switchboard ambiguous`: commands whose call may or may not have created a message, for a person to look at."""

import asyncio
from typing import Annotated, Any, Literal

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from services.cli.plain import plain
from services.cli.producing import produce
from services.cli.refused import Refused
from services.domain.clock import seconds_between
from services.domain.messages.commands import ResolveAmbiguous
from services.domain.sids import MESSAGE
from services.operations.asking import ask
from services.runtime.clock import now
from services.runtime.config import load
from services.runtime.kafka import trouble
from services.runtime.masking import scrub

app = typer.Typer(help="Commands whose end is not known: list, show, resolve.", no_args_is_help=True)

Url = Annotated[str | None, typer.Option(help="Any processor's URL; default: as configured.")]

Tenant = Annotated[str | None, typer.Option(help="Whose command.")]


@app.command("list")
def show_all(url: Url = None, tenant: Tenant = None) -> None:
    """All of them, the oldest first."""
    found = [one for one in _ambiguous(url) if tenant in (None, one["tenant"])]
    table = Table(title=plain(f"{len(found)} ambiguous"), title_justify="left")
    for name in ("command", "tenant", "contact", "since", "age", "why"):
        table.add_column(name, overflow="fold")
    for one in sorted(found, key=lambda step: step["at"]):
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
            "It is never sent again by itself. Look in Twilio's message log for a message to that person at that time. "
            "Then say what you found:"
        )
        console.print(plain(f"  switchboard ambiguous resolve {one['command_id']} --tenant {one['tenant']} --sent SM…"))
        console.print(plain(f"  switchboard ambiguous resolve {one['command_id']} --tenant {one['tenant']} --not-sent"))


@app.command("resolve")
def resolve(
    command_id: str,
    sent: Annotated[str | None, typer.Option(help="The MessageSid that was found.")] = None,
    not_sent: Annotated[bool, typer.Option("--not-sent", help="There is no message: end it as failed.")] = False,
    by: Annotated[str, typer.Option(help="Who found it out; stands in the result.")] = "a person",
    note: Annotated[str | None, typer.Option(help="How; stands in the result.")] = None,
    contact: Annotated[str | None, typer.Option(help="Whose, where several have this id: a contact key.")] = None,
    url: Url = None,
    tenant: Tenant = None,
) -> None:
    """Say how it ended. Produces a command to that effect; nothing is sent to anybody."""
    if (sent is not None) == not_sent:
        raise Refused("give --sent with the MessageSid, or --not-sent")
    if sent is not None and not MESSAGE.fullmatch(sent):
        raise Refused(f"--sent {sent!r}: a MessageSid is SM or MM and 32 hex digits")
    found = [one for one in _named(url, command_id, tenant) if contact in (None, one["contact"])]
    if len(found) != 1:
        raise Refused(f"{len(found)} of this id are ambiguous; give --contact as `ambiguous list` shows it")
    outcome: Literal["sent", "not_sent"] = "not_sent" if not_sent else "sent"
    command = ResolveAmbiguous(
        command_id=command_id,
        tenant=found[0]["tenant"],
        contact=found[0]["contact"],
        outcome=outcome,
        by=by,
        message_sid=sent,
        note=note,
    )
    try:
        asyncio.run(produce(load(), command))
    except KafkaError as error:
        raise Refused(f"Kafka did not take it ({trouble(error)}); check kafka.bootstrap, then say it again") from error
    follow = f"switchboard trace {command_id} --tenant {command.tenant}"
    Console().print(plain(f"Said. Its result follows: {follow}"))


def _ambiguous(url: str | None) -> list[dict[str, Any]]:
    found = ask(url or load().processor.url, "ambiguous") or {"commands": []}
    commands: list[dict[str, Any]] = found["commands"]
    return commands


def _named(url: str | None, command_id: str, tenant: str | None) -> list[dict[str, Any]]:
    found = [one for one in _ambiguous(url) if one["command_id"] == command_id and tenant in (None, one["tenant"])]
    if not found:
        Console().print(plain(f"{command_id} is not ambiguous: it has ended, or is not known. See switchboard trace."))
        raise typer.Exit(1)
    return found
