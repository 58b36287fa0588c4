"""`switchboard doctor`: what is wrong, with remedies; an exit code for pipelines."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from services.cli.changes import Numbers
from services.cli.console import make_console
from services.cli.refused import IN_THE_WAY, Refused
from services.contract.access import grants
from services.operations.doctor.account import masked
from services.operations.doctor.examining import examine
from services.operations.doctor.finding import Finding, Level, verdict
from services.runtime.clock import CLOCK
from services.runtime.config import load
from services.runtime.masking import unsteered
from services.runtime.tenants.opening import tenants_of

_CODES: dict[Level, int] = {"fine": 0, "fault": 1, "unknown": IN_THE_WAY}
_STYLES: dict[Level, str] = {"fine": "green", "note": "dim", "fault": "bold red", "unknown": "yellow"}


def doctor(
    tenant: Annotated[str | None, typer.Option(help="Of one tenant alone; default: of all.")] = None,
    service: Annotated[
        str, typer.Option(help="As whom the Kafka user of the settings is looked at: ingress, processor, sender, …")
    ] = "operations",
    json: Annotated[bool, typer.Option("--json", help="A document for programs.")] = False,
    show_numbers: Numbers = False,
) -> None:
    """Look at everything that this rests on, and name each fault with its remedy. Changes nothing.

    Exit code: 0 fine, 1 faults, 2 no fault was found, but something could not be looked at.
    """
    for name in ("aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if service not in grants():
        raise Refused(f"{service}: there is no such service; name one of {', '.join(grants())}")
    settings = load()
    CLOCK.follow(settings.clock_skew_file)
    tenants = tenants_of(settings)
    if tenant is not None and tenant not in tenants:
        raise Refused(f"no tenant {tenant!r} is configured; there are {', '.join(tenants) or 'none'}")
    show = str if show_numbers else masked
    found = asyncio.run(examine(settings, tenants, service, tenant, show))
    end = verdict(found)
    if json:
        document = {"verdict": end, "findings": [{name: getattr(one, name) for name in _FIELDS} for one in found]}
        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        _show(found)
    raise typer.Exit(_CODES[end])


_FIELDS = ("check", "level", "about", "says", "remedy")


def _show(found: Sequence[Finding]) -> None:
    console = make_console()
    for one in found:
        line = Text(f"{one.level:<8}", _STYLES[one.level])
        console.print(line.append(unsteered(f"{one.check}: {one.about}: {one.says}"), "default"), soft_wrap=True)
        if one.remedy:
            console.print(Text(unsteered(f"        → {one.remedy}")), soft_wrap=True)
    faults, unknown = (sum(one.level == level for one in found) for level in ("fault", "unknown"))
    console.print(Text(f"{faults} faults; {unknown} could not be looked at", "bold"))
