"""`switchboard contact ADDRESS`: may we write to this person, can they be reached, and what was said last."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.attended import quiet
from services.cli.plain import plain
from services.operations.asking import ask
from services.operations.whose import key_of
from services.runtime.config import load
from services.runtime.masking import mask


def contact(
    address: Annotated[str, typer.Argument(help="+E.164, whatsapp:+E.164, a business-scoped id, or a contact key.")],
    tenant: Annotated[str | None, typer.Option(help="Whose contact; not needed where there is one tenant.")] = None,
    url: Annotated[str | None, typer.Option(help="Any processor's URL; default: as configured.")] = None,
) -> None:
    """Show a contact: opt-outs, consent with its evidence, windows, failures, last messages. Exit 1: not known."""
    quiet()
    # A key needs no secret, and a URL no settings.
    key = address if "|" in address else asyncio.run(key_of(load(), tenant, address))
    found = ask(url or load().processor.url, "contacts", key)
    console = Console()
    if found is None:
        console.print(plain(f"Nothing is known of {mask(address)} ({key}): no message, no consent, no command."))
        raise typer.Exit(1)
    console.print(plain(f"{mask(address)}  {key}"))
    if found["linked"]:
        console.print(plain(f"the same person as {', '.join(found['linked'])}"))
    console.print(_consent(found))
    if found["holds"]:
        console.print(_holds(found))
    for sentence in (*_doubts(found), *_suspected(found), *_line(found)):
        console.print(plain(sentence))
    console.print(_windows(found))
    if found["failures"] or found["unreachable"]:
        console.print(_failures(found))
    console.print(_recent(found))


def _consent(found: dict[str, Any]) -> Table:
    said = [
        (mark["at"], "no" if action == "opt_outs" else "yes", scope, mark["source"], mark["evidence"])
        for action in ("opt_outs", "opt_ins")
        for scope, marks in found[action].items()
        for mark in marks.values()
    ]
    stopped = found["suppressed"]
    answer = f"may not be written to: {', '.join(stopped)}" if stopped else "no opt-out stands"
    for scope, others in found["also_stopped"].items():
        answer += f"\n{scope} holds for {', '.join(others)} too: they were in one Messaging Service"
    return _table(answer, ["time (UTC)", "said", "scope", "source", "evidence"], sorted(said))


def _holds(found: dict[str, Any]) -> Table:
    rows = [(one["at"], one["hold"] + (" and those before it" if one["earlier"] else "")) for one in found["holds"]]
    title = "held: something of theirs could not be read, and nothing is sent until it is (dead retry, drop or release)"
    return _table(title, ["time (UTC)", "letter"], sorted(rows))


def _doubts(found: dict[str, Any]) -> list[str]:
    return [
        f"{one['scope']}: the START {one['start']} came within a minute of the STOP {one['stop']} and waits for its "
        "date, which is fetched from Twilio. Until then the opt-out stands."
        for one in found["awaiting_dates"]
    ]


def _suspected(found: dict[str, Any]) -> list[str]:
    return [
        f"{scope}: the message {sid} of {mark['at']} looks like an opt-out. Decide it by a consent command: opt_out, "
        "or dismiss with this message_sid."
        for scope, messages in found["suspected"].items()
        for sid, mark in messages.items()
    ]


def _windows(found: dict[str, Any]) -> Table:
    rows = sorted(found["windows"].items())
    return _table("WhatsApp windows" if rows else "no WhatsApp window is open", ["sender", "open until"], rows)


def _failures(found: dict[str, Any]) -> Table:
    alone = [f"{channel} until {one['until']}" for channel, one in found["unreachable"].items()]
    title = f"left alone by {', '.join(alone)}: nothing reaches them there" if alone else "what did not reach them"
    rows = [(one["at"], one["channel"], one["code"], one["message_sid"] or "refused") for one in found["failures"]]
    return _table(title, ["time (UTC)", "channel", "error", "message"], rows)


def _line(found: dict[str, Any]) -> list[str]:
    line, taken_back = found["line"], found["deactivated_at"]
    told = []
    if line is not None:
        kind = line["type"] or f"unknown to Twilio ({line['error']})"
        told.append(f"line: {kind}, {line['carrier'] or 'no carrier named'}; looked up {line['at']}")
    if taken_back is not None:
        told.append(f"a carrier took the number back on {taken_back[:10]}: no yes from before counts")
    return told


def _recent(found: dict[str, Any]) -> Table:
    rows = [
        (line["at"], line["what"], line["ours"], line["message_sid"] or line["command_id"], line["error_code"] or "")
        for line in found["recent"]
    ]
    return _table("last messages" if rows else "no messages", ["time (UTC)", "what", "our sender", "id", "error"], rows)


def _table(title: str, columns: list[str], rows: list[tuple[Any, ...]]) -> Table:
    table = Table(title=plain(title), title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(plain(str(cell)) for cell in row))
    return table
