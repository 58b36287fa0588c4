"""`switchboard templates sync|list|show`: Twilio's content templates, to the log and from there."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.cli.console import make_console
from services.cli.synced import Empty, Rehearsed, look, stated, sync
from services.domain.templates.events import STOPPED, TemplateStated
from services.operations.synced import Compared
from services.operations.templates.reading import SYNCED

app = typer.Typer(no_args_is_help=True, help="Content templates: read Twilio's list to the log, list them, show one.")

Tenant = Annotated[str | None, typer.Option(help="Whose templates; default: every tenant's.")]
_STYLES = {"new": "green", "changed": "", "stopped": "red", "gone": "yellow"}


@app.command("sync")
def sync_(tenant: Tenant = None, allow_empty: Empty = False, dry_run: Rehearsed = False) -> None:
    """Write what is news in Twilio's list of content templates: run it often, for WhatsApp pauses them at any time.

    A tenant's list is read whole before anything of it is written; what has not changed is not written again. A list
    that cannot be read stops no other tenant's: it is told at the end, and the exit code is 2.
    """
    sync(SYNCED, (tenant, allow_empty, dry_run), _tell)


@app.command("list")
def list_(
    tenant: Tenant = None,
    state: Annotated[str | None, typer.Option(help="Only those in this state, such as paused.")] = None,
) -> None:
    """List the templates that the log knows, with WhatsApp's word on each. Exit code 1: there is none."""

    async def find() -> list[TemplateStated]:
        return [one for one in await _known(tenant) if state in (None, one.state)]

    look(find, _list, "no template is known; run `switchboard templates sync`")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The template's name, or its content sid.")], tenant: Tenant = None
) -> None:
    """Show a template in each of its languages: its text, and what each placeholder stands for. Exit code 1: none."""

    async def find() -> list[TemplateStated]:
        return [one for one in await _known(tenant) if name in (one.name, one.content_sid)]

    look(find, _describe, f"no template {name} is known; run `switchboard templates sync`")


async def _known(tenant: str | None) -> list[TemplateStated]:
    found: list[TemplateStated] = await stated(SYNCED, tenant)
    return sorted(found, key=lambda one: (one.tenant, one.name, one.language, one.content_sid))


def _list(shown: Sequence[TemplateStated]) -> None:
    table = Table("tenant", "template", "language", "state", "category", "content_sid", "why")
    for one in shown:
        names = (one.tenant, one.name, one.language)
        word = Text(one.state, _style(one))
        table.add_row(*map(Text, names), word, *map(Text, (one.category or "", one.content_sid, one.reason or "")))
    make_console().print(table)


def _style(one: TemplateStated) -> str:
    return "red" if one.state in STOPPED else "green" if one.state == "approved" else "yellow"


def _tell(one: Compared) -> None:
    console = make_console()
    console.print(Text(f"{one.tenant}: {len(one.listed)} templates; {len(one.changes) or 'no'} changes"))
    if not one.changes:
        return
    table = Table("", "template", "language", "state", "category", "content_sid")
    for change in one.changes:
        told = change.fact
        cells = (told.name, told.language, told.state, told.category or "", told.content_sid)
        table.add_row(Text(change.kind, _STYLES[change.kind]), *map(Text, cells))
    console.print(table)


def _describe(shown: Sequence[TemplateStated]) -> None:
    for one in shown:
        _describe_one(one)


def _describe_one(one: TemplateStated) -> None:
    console = make_console()
    console.print(Text(f"{one.name} ({one.language}) of {one.tenant}: {one.state}", _style(one)))
    for label, said in (
        ("content_sid", one.content_sid),
        ("category", one.category),
        ("why", one.reason),
        ("types", ", ".join(one.types)),
        ("text", one.body),
        ("changed at", one.updated_at),
        ("read at", one.at),
    ):
        if said:
            console.print(Text(f"  {label}: {said}"))
    for name, uses in one.placeholders.items():
        console.print(Text(f"  {{{{{name}}}}}: {', '.join(uses)}"))
