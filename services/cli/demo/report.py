"""What is told at the end: the reconciliation table, and where everything can be reached."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.demo.layout import Layout
from services.cli.demo.round import Outcome
from services.cli.demo.rows import Row
from services.cli.demo.settings import ACME_SMS
from services.contract.topics import MESSAGES, RESULTS


def tell_outcome(console: Console, outcome: Outcome) -> None:
    """The table of both ends, and the verdict."""
    table = Table(
        title="What was produced and Twilio saw, against what the log and the tables say", title_justify="left"
    )
    table.add_column("what")
    table.add_column("expected", justify="right")
    table.add_column("found", justify="right")
    table.add_column("ok", justify="center")
    for row in outcome.rows:
        table.add_row(_what(row), f"{row.expected:,}", f"{row.found:,}", _tick(row.ok))
    console.print(table)
    for name, rate in outcome.rates.items():
        console.print(Text(f"{name:<22} {rate}", "dim"))
    verdict = Text("Both ends agree.", "bold green") if outcome.ok else Text("The ends do NOT agree.", "bold red")
    console.print(verdict)


def _what(row: Row) -> Text:
    text = Text(row.what)
    for wrong in row.wrong:
        text.append(f"\n  {wrong}", "red")
    return text


def _tick(ok: bool) -> Text:
    return Text("✓", "green") if ok else Text("✗", "bold red")


def tell_places(console: Console, layout: Layout, example: str | None) -> None:
    """URLs and ready commands; nothing secret is among them."""
    kafka, switchboard = layout.address("kafka"), _called()
    command = (
        f'{{"command_id":"mine-1","tenant":"acme","to":"+12025550199","from":"{ACME_SMS}","body":"Hello from kcat"}}'
    )
    lines = {
        "ingress": f"{layout.url('ingress')}  (/readyz, /metrics)",
        "processor": f"{layout.url('processor')}/v1/messages/{example or 'SM…'}",
        "sender": f"{layout.url('sender')}  (/readyz, /metrics)",
        "simulator": f"{layout.url('simulator')}/simulator/messages  (/simulator/callbacks, /simulator/faults)",
        "kafka": kafka,
        "send one": f"echo '{command}' | kcat -P -b {kafka} -t {MESSAGES.name}",
        "its result": f"kcat -C -b {kafka} -t {RESULTS.name} -o beginning -e -q | grep mine-1",
        "its story": f"{switchboard} trace mine-1 --url {layout.url('processor')}",
        "why it went": f"{switchboard} why mine-1 --url {layout.url('processor')}",
        "another's": f"{switchboard} trace {example or 'ID'} --url {layout.url('processor')}",
    }
    for name, line in lines.items():
        # Not wrapped: these are to be copied.
        console.print(Text(f"{name:<12}", "bold") + Text(line), soft_wrap=True)


def _called() -> str:
    """How a person calls `switchboard` from here, as this demo was called."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "switchboard" else "python -m services.cli"
