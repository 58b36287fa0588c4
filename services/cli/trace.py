"""`switchboard trace ID`: what became of this message, or of this command, as a timeline for people."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.plain import plain
from services.domain.messages.ladder import RANK
from services.operations.inbound import find_inbound
from services.operations.tracing import NOTHING, is_message, look_up
from services.operations.whose import NOTHING_KNOWN
from services.runtime.config import load
from services.runtime.masking import mask, scrub


def trace(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A MessageSid (SM…, MM…) or a command id.")],
    url: Annotated[str | None, typer.Option(help="Any processor's URL; default: as configured.")] = None,
    tenant: Annotated[
        str | None,
        typer.Option(help="Whose command; not needed for a message, nor where there is one tenant."),
    ] = None,
) -> None:
    """Show a message or a command: its steps, in order. Addresses are masked. Exit 1 when nothing is known.

    Of a message that somebody wrote to us no table knows: it is looked for in the log, which takes a while.
    """
    base = (url or load().processor.url).rstrip("/")
    console = Console()
    message, command, untold = found = look_up(base, identifier, tenant)
    if found == NOTHING:
        if not (is_message(identifier) and _tell_inbound(console, identifier)):
            console.print(plain(f"Nothing is known of {identifier}: {NOTHING_KNOWN}."))
            raise typer.Exit(1)
        return
    console.print(_timeline(identifier, message, command))
    if message is not None and message.get("remedy"):
        code = Text(str(message["error_code"]), style="bold")
        console.print(code, plain(f"{message['error_category']}: {message['remedy']}"))
    if untold:
        console.print(plain(untold), soft_wrap=True)


def _tell_inbound(console: Console, sid: str) -> bool:
    """Show what somebody wrote to us, if the log has it."""
    fact = asyncio.run(find_inbound(load(), sid))
    if fact is None:
        return False
    table = Table(title=plain(f"{sid}  {mask(fact.from_)} → {fact.to}  written to us"), title_justify="left")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("step", no_wrap=True)
    table.add_column("detail", overflow="fold")
    table.add_row(plain(fact.received_at), "webhook received", plain(f"contact {fact.contact}"))
    if fact.heard is not None:
        table.add_row("", "of consent it says", plain(fact.heard.says))
    console.print(table)
    console.print(plain(f"More about this person: switchboard contact '{fact.contact}'"), soft_wrap=True)
    return True


def _timeline(identifier: str, message: dict[str, Any] | None, command: dict[str, Any] | None) -> Table:
    steps: list[tuple[str, str, str]] = []
    for step in command["steps"] if command else ():
        reason = scrub(step["reason"]) if step["reason"] else None
        shown = (step.get("message_status"), reason, step["message_sid"], step["code"], step.get("twilio_request_id"))
        what = " ".join(str(part) for part in shown if part)
        # Which one it was matters where there may be several; a table has 80 columns.
        attempt = f" ({step['attempt']})" if step["attempt"] > 1 or step["step"] == "attempted" else ""
        steps.append((step["at"], f"command {step['step']}{attempt}", what))
    for status, told in sorted(message["steps"].items(), key=lambda one: RANK.get(one[0], 0)) if message else ():
        steps.append((told["at"], f"message {status}", str(told["error_code"] or "")))
    title = identifier
    if message is not None:
        title = f"{message['message_sid']}  {mask(message['from'])} → {mask(message['to'])}  {message['status']}"
    table = Table(title=plain(title), title_justify="left")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("step", no_wrap=True)
    table.add_column("detail", overflow="fold")
    # As they follow from each other, and not by the clock: a callback may overtake what the create call answered.
    for row in steps:
        table.add_row(*map(plain, row))
    return table
