"""`switchboard trace ID`: what became of this message, or of this command, as a timeline for people."""

import re
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.asking import ask, plain
from services.runtime.config import load
from services.runtime.masking import mask, scrub

_MESSAGE_SID = re.compile(r"^(SM|MM)[0-9a-fA-F]{32}$")


def trace(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A MessageSid (SM…, MM…) or a command id.")],
    url: Annotated[str | None, typer.Option(help="Any processor's URL; default: as configured.")] = None,
    tenant: Annotated[
        str | None,
        typer.Option(help="Whose command: tenants may use the same id. Default: all, each step with its own."),
    ] = None,
) -> None:
    """Show a message or a command: its steps, in order. Addresses are masked. Exit 1 when nothing is known."""
    base = (url or load().processor.url).rstrip("/")
    console = Console()
    message, command = _look_up(base, identifier, tenant)
    if message is None and command is None:
        console.print(plain(f"Nothing is known of {identifier}: no webhook, no command, or not folded yet."))
        raise typer.Exit(1)
    console.print(_timeline(identifier, message, command))
    if message is not None and message.get("remedy"):
        code = Text(str(message["error_code"]), style="bold")
        console.print(code, plain(f"{message['error_category']}: {message['remedy']}"))


def _look_up(base: str, identifier: str, tenant: str | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    if _MESSAGE_SID.match(identifier):
        message = _message(base, identifier, tenant)
        command_id = message.get("command_id") if message else None
        return message, _command(base, command_id, message["tenant"]) if message and command_id else None
    command = _command(base, identifier, tenant)
    steps = command["steps"] if command else []
    sid = next((step["message_sid"] for step in steps if step["message_sid"]), None)
    # Of several tenants each may have a message of its own; one of them is not the command's.
    return _message(base, sid, tenant) if sid and len(_tenants(command)) == 1 else None, command


def _message(base: str, sid: str, tenant: str | None) -> dict[str, Any] | None:
    message = ask(base, "messages", sid)
    return message if message and tenant in (None, message["tenant"]) else None


def _command(base: str, command_id: str, tenant: str | None) -> dict[str, Any] | None:
    return ask(base, "commands", command_id, tenant=tenant)


def _tenants(command: dict[str, Any] | None) -> set[str]:
    return {step["tenant"] for step in command["steps"]} if command else set()


def _timeline(identifier: str, message: dict[str, Any] | None, command: dict[str, Any] | None) -> Table:
    several = len(_tenants(command)) > 1
    steps: list[tuple[str, str, str]] = []
    for step in command["steps"] if command else ():
        reason = scrub(step["reason"]) if step["reason"] else None
        what = " ".join(str(part) for part in (reason, step["message_sid"], step["code"]) if part)
        attempt = f" (attempt {step['attempt']})" if step["attempt"] else ""
        of_tenant = f"{step['tenant'] or 'no tenant'}: " if several else ""
        steps.append((step["at"], f"{of_tenant}command {step['step']}{attempt}", what))
    for status, at in message["steps"].items() if message else ():
        steps.append((at, f"message {status}", ""))
    title = identifier
    if message is not None:
        title = f"{message['message_sid']}  {mask(message['from'])} → {mask(message['to'])}  {message['status']}"
    table = Table(title=plain(title), title_justify="left")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("step", no_wrap=True)
    table.add_column("detail", overflow="fold")
    for row in sorted(steps, key=lambda row: row[0]):
        table.add_row(*map(plain, row))
    return table
