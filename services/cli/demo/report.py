"""What is told at the end: the reconciliation table, and where everything can be reached."""

import json
import os
import sys
from pathlib import Path
from shlex import quote

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.contract.messages import MESSAGES
from services.contract.outbound import RESULTS
from services.demo.chapters.contact import ADA
from services.demo.round import Outcome
from services.demo.rows import Row
from services.demo.settings import ACME_SMS
from services.local.layout import Layout

MINE = "+12025550199"


def tell_outcome(console: Console, outcome: Outcome) -> None:
    """One contact's story, where messages went, the table of both ends, and the verdict."""
    _tell_contact(console, outcome)
    _tell_countries(console, outcome)
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
    for name, rate in outcome.about.rates.items():
        console.print(Text(f"{name:<40} {rate}", "dim"))
    verdict = Text("Both ends agree.", "bold green") if outcome.ok else Text("The ends do NOT agree.", "bold red")
    console.print(verdict)


def _tell_contact(console: Console, outcome: Outcome) -> None:
    console.print(Text("\nOne contact, as it stands on the log (of each record what matters here)", "bold"))
    for told in outcome.about.contact:
        topic = told.topic.removeprefix("twilio.").removesuffix(".v1")
        line = Text(f"{told.at[:19].replace('T', ' ')}  ", "dim").append(f"{topic:<18} ", "cyan").append(told.fields)
        console.print(line, soft_wrap=True)
    console.print()


def _tell_countries(console: Console, outcome: Outcome) -> None:
    table = Table("country", "carrier", *("sent", "delivered", "read", "failed"), title="Where messages went")
    table.title_justify = "left"
    for place in outcome.about.places:
        counts = (f"{place.counts[name]:,}" for name in ("sent", "delivered", "read", "failed"))
        table.add_row(place.country or "?", place.carrier or "not known", *counts)
    console.print(table)


def _what(row: Row) -> Text:
    text = Text(row.what)
    for wrong in row.wrong:
        text.append(f"\n  {wrong}", "red")
    return text


def _tick(ok: bool) -> Text:
    return Text("✓", "green") if ok else Text("✗", "bold red")


def tell_places(console: Console, layout: Layout, example: str | None) -> None:
    """Addresses, and lines for another terminal, each of which works as it stands. The token opens this demo alone."""
    rows = {
        "settings": str(layout.settings_file),
        "kafka": layout.address("kafka"),
        "ingress": f"{layout.url('ingress')}  ({layout.operations('ingress')}/readyz, /metrics)",
        "processor": f"{layout.url('processor')}  ({layout.operations('processor')}/readyz, /metrics)",
        "sender": f"{layout.url('sender')}/readyz, /metrics",
        "simulator": f"{layout.url('simulator')}/simulator/messages, /callbacks, /faults",
    }
    console.print()
    for name, address in rows.items():
        console.print(Text(f"{name:<10}", "bold") + Text(address), soft_wrap=True)
    console.print(Text("\nIn another terminal:\n", "bold"))
    for line in lines_to_copy(layout, example):
        # Not wrapped: these are to be copied.
        console.print(Text(f"  {line}"), soft_wrap=True)


def lines_to_copy(layout: Layout, example: str | None) -> list[str]:
    """A first message of one's own and its story; why one of Ada's was blocked; who she is; a message of the demo's."""
    kafka = layout.address("kafka")
    command = {"command_id": "mine-1", "tenant": "acme", "to": MINE, "from": ACME_SMS, "body": "Hello"}
    lines = [
        f"export SWITCHBOARD_CONFIG={layout.settings_file} SWITCHBOARD_TOKEN={os.environ['SWITCHBOARD_TOKEN']} "
        f'PATH="{Path(sys.executable).parent}:$PATH"',
        f"echo {quote(json.dumps(command))} | kcat -P -b {kafka} -t {MESSAGES.name}",
        f"kcat -C -b {kafka} -t {RESULTS.name} -o beginning -e -q | grep mine-1",
        "switchboard trace mine-1 --tenant acme",
        "switchboard why ada-offer --tenant acme",
        f"switchboard contact {ADA} --tenant acme",
    ]
    return [*lines, f"switchboard trace {example}"] if example else lines
