"""`switchboard prices sync|list|show`: Twilio's price list for SMS, to the log and from there."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.cli.console import make_console
from services.cli.synced import Empty, Rehearsed, look, stated, sync
from services.domain.spend.prices import PricesStated
from services.operations.prices.reading import SYNCED
from services.operations.synced import Compared

app = typer.Typer(no_args_is_help=True, help="The price list: read Twilio's to the log, list it, show a country.")

Tenant = Annotated[str | None, typer.Option(help="Whose prices; default: every tenant's.")]
_STYLES = {"new": "green", "changed": "", "dearer": "red", "gone": "yellow"}
_MISSING = "no price is known; run `switchboard prices sync`"


@app.command("sync")
def sync_(tenant: Tenant = None, allow_empty: Empty = False, dry_run: Rehearsed = False) -> None:
    """Write what is news in Twilio's price list: one call for each country, so once a day is enough.

    A tenant's list is read whole before anything of it is written; what has not changed is not written again. A list
    that cannot be read stops no other tenant's: it is told at the end, and the exit code is 2.
    """
    sync(SYNCED, (tenant, allow_empty, dry_run), _tell)


@app.command("list")
def list_(tenant: Tenant = None) -> None:
    """List by country what an SMS segment costs, from the least to the most. Exit code 1: no price is known."""
    look(lambda: _known(tenant), _list, _MISSING)


@app.command("show")
def show(
    country: Annotated[str, typer.Argument(help="The country's ISO code, such as DE.")], tenant: Tenant = None
) -> None:
    """Show what a segment costs in a country, by network and type of number, and one that comes in. Exit code 1: none.

    MMS, WhatsApp and other channels are not in Twilio's list: their price is not known from it.
    """

    async def find() -> list[PricesStated]:
        return [one for one in await _known(tenant) if one.country == country.upper()]

    look(find, _describe, f"of {country.upper()[:2]} {_MISSING}")


async def _known(tenant: str | None) -> list[PricesStated]:
    return sorted(await stated(SYNCED, tenant), key=lambda one: (one.tenant, one.country))


def _list(shown: Sequence[PricesStated]) -> None:
    table = Table("tenant", "country", "name", "from", "to", "currency", "networks", "read at")
    for one in shown:
        cells = (one.tenant, one.country, one.name, *_range(one), one.currency, str(len(one.outbound)), one.at)
        table.add_row(*map(Text, cells))
    make_console().print(table)


def _range(one: PricesStated) -> tuple[str, str]:
    return str(one.cheapest or "unknown"), str(one.dearest or "unknown")


def _tell(one: Compared) -> None:
    console = make_console()
    console.print(Text(f"{one.tenant}: {len(one.listed)} countries; {len(one.changes) or 'no'} changes"))
    if not one.changes:
        return
    table = Table("", "country", "name", "from", "to", "currency")
    for change in one.changes:
        told = change.fact
        cells = (told.country, told.name, *_range(told), told.currency)
        table.add_row(Text(change.kind, _STYLES[change.kind]), *map(Text, cells))
    console.print(table)


def _describe(shown: Sequence[PricesStated]) -> None:
    for one in shown:
        _describe_one(one)


def _describe_one(one: PricesStated) -> None:
    console = make_console()
    console.print(Text(f"{one.country} ({one.name}) of {one.tenant}, in {one.currency}, read at {one.at}"))
    table = Table("network", "mcc", "mnc", "our number", "list price", "ours")
    for carrier in one.outbound:
        for price in carrier.prices:
            cells = (carrier.carrier, carrier.mcc, carrier.mnc, price.number_type, str(price.base), str(price.current))
            table.add_row(*map(Text, cells))
    for price in one.inbound:
        table.add_row(*map(Text, ("to us", "", "", price.number_type, str(price.base), str(price.current))))
    console.print(table)
    console.print(Text("MMS, WhatsApp and other channels are not in Twilio's list: their price is unknown here."))
