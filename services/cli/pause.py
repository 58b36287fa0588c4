"""`switchboard pause`, `switchboard resume`: nothing of a scope is sent until it is resumed; nothing is lost either."""

import asyncio
import getpass
from typing import Annotated

import typer
from rich.console import Console

from services.cli.plain import plain
from services.cli.refused import Refused
from services.domain.outbox.pauses import PauseEnded, PausePlaced
from services.operations import pausing
from services.operations.pausing import Scope, say, scope_of
from services.runtime.config import Settings, load

Tenant = Annotated[str | None, typer.Option(help="All of a tenant; or whose --sender or --label.")]
Sender = Annotated[str | None, typer.Option(help="One sender, as commands name it: +1415…, whatsapp:+1415…, MG….")]
Label = Annotated[str | None, typer.Option(help="The commands of one label.")]
Everything = Annotated[bool, typer.Option("--everything", help="All tenants.")]
By = Annotated[str | None, typer.Option(help="Who says so; default: you.")]
Note = Annotated[str | None, typer.Option(help="Why.")]


def pause(
    tenant: Tenant = None,
    sender: Sender = None,
    label: Label = None,
    everything: Everything = False,
    by: By = None,
    note: Note = None,
) -> None:
    """Send nothing of a tenant, a sender or a label, or nothing at all, until it is resumed; within a second."""
    _say(PausePlaced, _scope(load(), tenant, sender, label, everything), by, note)


def resume(
    tenant: Tenant = None,
    sender: Sender = None,
    label: Label = None,
    everything: Everything = False,
    by: By = None,
    note: Note = None,
) -> None:
    """End the pause of this very scope; what it held goes on in order."""
    _say(PauseEnded, _scope(load(), tenant, sender, label, everything), by, note)


def _scope(settings: Settings, tenant: str | None, sender: str | None, label: str | None, everything: bool) -> Scope:
    if everything:
        if tenant or sender or label:
            raise Refused("--everything stands alone")
        return pausing.everything()
    if not (tenant or sender or label) or (sender and label):
        raise Refused("give one of --tenant, --sender, --label or --everything")
    return scope_of(settings, tenant, sender, label)


def _say(type_: type[PausePlaced] | type[PauseEnded], scope: Scope, by: str | None, note: str | None) -> None:
    asyncio.run(say(load().kafka, type_, scope, by or getpass.getuser(), note))
    word = "Paused" if type_ is PausePlaced else "Resumed"
    Console().print(plain(f"{word}: {scope.name}. See it by: switchboard why COMMAND, or the sender's /readyz."))
