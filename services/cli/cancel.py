"""`switchboard cancel COMMAND`: a command that still waits is not to be sent; one that has not come yet, neither.

Said in one way of whatever product: a command's identity is its tenant, contact and id.
"""

import asyncio
import getpass
from typing import Annotated

import typer
from rich.console import Console

from services.cli.plain import plain
from services.cli.refused import Refused
from services.domain.messages.commands import CancelMessage
from services.operations.producing import produce
from services.operations.whose import tenant_of
from services.runtime.config import load
from services.runtime.tenants.opening import tenants_of


def cancel(
    command_id: Annotated[str, typer.Argument(metavar="COMMAND", help="A command id.")],
    tenant: Annotated[str, typer.Option(help="Whose command.")],
    to: Annotated[str | None, typer.Option(help="Whom it is for: an address.")] = None,
    contact: Annotated[str | None, typer.Option(help="Or the contact key in its results.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so; default: you. Stands in the result.")] = None,
    note: Annotated[str | None, typer.Option(help="Why; stands in the result.")] = None,
) -> None:
    """Cancel a command. Its result says whether it came in time: canceled, cancel_remembered or cancel_too_late."""
    if (to is None) == (contact is None):
        raise Refused("give --to with the address, or --contact")
    settings = load()
    tenant_of(tenants_of(settings), tenant)
    command = CancelMessage(
        command_id=command_id, tenant=tenant, to=to, contact=contact, by=by or getpass.getuser(), note=note
    )
    asyncio.run(produce(settings, command))
    Console().print(plain(f"Said. Its result follows: switchboard trace {command_id} --tenant {tenant}"))
