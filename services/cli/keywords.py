"""`switchboard keywords try TEXT`: what would come of a message to us."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.plain import plain
from services.cli.refused import Refused
from services.domain.rules.making import Command
from services.domain.studio.commands import StartExecution
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
    """Say which rule a text is for now, what is answered, told and sent, and what it says of consent. Nothing is sent
    now."""
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
    if found.reply is not None and found.heard is not None and found.heard.says == "help":
        rows.append(("beside it", _HELP))
    if found.told is None:
        return [*rows, ("told", "nothing but the message itself")]
    values = "".join(f", {name}: {value}" for name, value in found.told.values.items())
    desk = [("ticket", found.told.ticket)] if found.told.ticket else []
    return [*rows, ("told", f"rule {found.told.rule}{values}"), *desk, *_commands(found)]


_HELP = "by SMS Twilio may answer too; where it does, add HELP to twilio_answers, and the person gets one answer"
_WHY_NOT = {
    "old": "none: the message is too old",
    "ours": "not all: who wrote, or would get it, is a sender of ours",
    "empty": "none: at a place stands nothing that can be shown",
    "no": "not all: who wrote says no at a place, and gets nothing",
    "unreachable": "not all: who wrote has no address on that channel",
}


def _commands(found: Coming) -> Iterator[tuple[str, str]]:
    """What is produced; the gate judges it when it is to go."""
    if found.made is None:
        return
    for one in found.made.commands:
        by = one.from_ or one.messaging_service_sid or "whom routing chooses"
        after = f", not before {one.not_before}" if one.not_before else ""
        yield "command", f"to {one.to} by {by}{after}, until {one.not_after}: {_says(one)}"
    if found.made.why_not:
        yield "command", _WHY_NOT[found.made.why_not]
    for fault in found.faults:
        yield "rejected", fault


def _says(command: Command) -> str:
    if isinstance(command, StartExecution):
        return f"flow {command.flow_sid} {command.parameters or ''}".strip()
    if command.template is not None:
        return f"template {command.template.name} {command.content_variables or ''}".strip()
    return command.body or ""
