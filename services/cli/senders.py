"""`switchboard senders plan|apply`: read Twilio's lists, show what is news in them, write it to `twilio.senders.v1`."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.cli.attended import attend
from services.cli.console import make_console
from services.contract.senders import SENDERS
from services.domain.senders.listing import Change
from services.operations.memberships import Stated, read, write
from services.runtime.config import load

app = typer.Typer(no_args_is_help=True, help="Know which sender is in which Messaging Service.")

Tenant = Annotated[str | None, typer.Option(help="Whose senders; default: every tenant's.")]
Empty = Annotated[
    bool, typer.Option("--allow-empty", help="Believe a list of nothing, where there were senders before.")
]
_STYLES = {"joined": "green", "left": "yellow", "new": "dim"}


@app.command("plan")
def plan(tenant: Tenant = None, allow_empty: Empty = False) -> None:
    """Show what Twilio's lists would change. Exit code: 0 nothing, 1 something, 2 impossible."""
    found: list[Stated] = []

    async def work() -> None:
        found.extend(await read(load(), tenant, allow_empty))
        _show(found)

    attend(work, lambda: "Nothing was changed.", "Stopped; nothing was written.")
    if any(one.changes for one in found):
        raise typer.Exit(1)


@app.command("apply")
def apply(tenant: Tenant = None, allow_empty: Empty = False) -> None:
    """Write what Twilio lists, with its moment: run it daily. What has ended is kept, and goes on to block.

    All lists of all tenants are read before anything is written.
    """

    found: list[Stated] = []

    async def work() -> None:
        settings = load()
        found.extend(await read(settings, tenant, allow_empty))
        _show(found)
        await write(settings.kafka, found)
        make_console().print(Text(f"written to {SENDERS.name}; every worker knows it within a second"))

    attend(
        work,
        lambda: "" if found else "Nothing was changed.",
        "Stopped; what is not written yet is found by the next run.",
    )


def _show(found: list[Stated]) -> None:
    console = make_console()
    for one in found:
        now_in = [known for known in one.after.senders.values() if any(not m.ended for m in known.services.values())]
        console.print(
            Text(
                f"{one.after.tenant}: {len(one.after.senders)} senders, {len(now_in)} of them in "
                f"{len(one.after.services)} services; {len(one.changes) or 'no'} changes"
            )
        )
        if one.after.full:
            console.print(Text("  more than find room: what is left out may be in any service, and blocks more", "red"))
        if one.changes:
            console.print(_table(one.changes))


def _table(news: list[Change]) -> Table:
    table = Table("", "sender", "Messaging Service")
    for one in news:
        table.add_row(Text(one.kind, _STYLES[one.kind]), Text(one.sender), Text(one.service))
    return table
