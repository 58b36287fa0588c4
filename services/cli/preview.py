"""`switchboard preview COMMAND.json`: what would become of a send command, without producing it."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.attended import quiet
from services.cli.plain import plain
from services.cli.refused import Refused
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.segments import segments
from services.domain.messages.smart_encoding import smart_encoded
from services.operations.previewing import previewed, read_within
from services.runtime.config import load
from services.runtime.masking import mask
from services.runtime.tenants.opening import tenants_of

# How long the log may take to tell prices and templates; without them the rest is told.
_LOG_S = 5.0


def preview(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The command as JSON; - for standard input.")] = "-",
) -> None:
    """Say what would become of a send command, or all that is wrong with it (exit 1). Nothing is produced."""
    settings = load()
    command = _read(file)
    quiet()
    log = asyncio.run(read_within(settings.kafka, _LOG_S))
    found = previewed(settings, tenants_of(settings), command, log)
    if isinstance(found, list):
        for fault in found:
            Console().print(plain(f"- {fault}"))
        raise typer.Exit(1)
    table = Table("", "", show_header=False)
    for name, value in _rows(found):
        table.add_row(name, plain(value))
    Console().print(table)
    if log.prices is None:
        Console().print("The price list was not read: Kafka does not answer, or has no such topic.")
    if log.templates is None and found.has_template:
        Console().print("Templates were not read: Kafka does not answer, or has no such topic.")
    Console().print("Not asked: consent, windows, pauses, budgets, allowed senders. They are judged when it is sent.")


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror or error}") from error


def _rows(found: CommandAccepted) -> list[tuple[str, str]]:
    sender = [one for one in (found.from_, found.messaging_service_sid) if one]
    rows = [
        ("to", f"{mask(found.to)} by {found.channel}, {found.country or 'country not known'}"),
        ("from", " of ".join(sender)),
        ("sent", f"{'not before ' + found.not_before if found.not_before else 'at once'}, until {found.not_after}"),
        ("purpose", _purpose(found) + (", urgent" if found.urgent else "")),
    ]
    if found.segments is not None and found.body:
        rows.append(("text", f"{len(found.body)} characters, {found.encoding}, segments: {found.segments}"))
        rows += _smart(found, found.segments)
    elif found.channel == "sms":
        rows.append(("text", _of_template(found)))
    rows.append(("costs", _costs(found)))
    return rows


def _of_template(found: CommandAccepted) -> str:
    if found.segments is None:
        return "the template's, as one segment: it is not known, or has media, or a variable is left to its sample"
    return f"the template's, in its longest language: {found.encoding}, segments: {found.segments}"


def _costs(found: CommandAccepted) -> str:
    if found.estimate is None:
        return "not known: no price list has it, and the settings assume nothing (spend.assumed)"
    by = "the price list, the dearest network" if found.estimate.by == "list" else "spend.assumed"
    return f"up to {found.estimate.amount:f} {found.estimate.currency}, by {by}"


def _purpose(found: CommandAccepted) -> str:
    by_category = found.has_template and not found.purpose_said
    return "that of the template's category, marketing where none is known" if by_category else found.purpose


def _smart(found: CommandAccepted, now: int) -> list[tuple[str, str]]:
    """What smart encoding replaces, or would save."""
    body = found.body or ""
    if found.options.smart_encoded:
        changed = [
            f"{char} → {smart_encoded(char) or 'nothing'}"
            for char in dict.fromkeys(body)
            if smart_encoded(char) != char
        ]
        return [("smart encoding", ", ".join(changed) or "replaces nothing here")]
    then = segments(smart_encoded(body))
    if then.segments >= now:
        return []
    return [("smart encoding", f"would make it {then.encoding}, segments: {then.segments}; set smart_encoded: true")]
