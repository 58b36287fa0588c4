"""`switchboard compliance sync|show`: what is registered with US carriers, to the log and from there."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.cli.console import make_console
from services.cli.synced import Empty, Rehearsed, look, stated, sync
from services.domain.compliance.events import Brand, Campaign, ComplianceStated
from services.domain.compliance.registry import Registry, said, told_of
from services.domain.compliance.states import STOPPED, state_of
from services.domain.compliance.throughput import a_second
from services.operations.compliance.reading import SYNCED
from services.operations.synced import Compared

app = typer.Typer(
    no_args_is_help=True, help="Registrations with US carriers: read Twilio's lists to the log, show them."
)

Tenant = Annotated[str | None, typer.Option(help="Whose registrations; default: every tenant's.")]
_STYLES = {"new": "green", "changed": "", "stopped": "red", "gone": "yellow"}


@app.command("sync")
def sync_(tenant: Tenant = None, allow_empty: Empty = False, dry_run: Rehearsed = False) -> None:
    """Write what is news in Twilio's lists of brands, campaigns and toll-free verifications: run it often.

    The accounts of a tenant are read whole before anything of them is written, and each is written at once. A list that
    cannot be read stops no other tenant's: it is told at the end, and the exit code is 2.
    """
    sync(SYNCED, (tenant, allow_empty, dry_run), _tell)


@app.command("show")
def show(tenant: Tenant = None) -> None:
    """Show brands, campaigns, toll-free verifications, and the numbers that may not write. Exit code 1: none is known.

    The rate is what a campaign sends in all, by its brand's trust score; empty where nobody knows it.
    """

    async def find() -> list[ComplianceStated]:
        return sorted(await stated(SYNCED, tenant), key=lambda one: (one.tenant, one.account))

    look(find, _show, "no registration is known; run `switchboard compliance sync`")


def _tell(one: Compared) -> None:
    console = make_console()
    console.print(Text(f"{one.tenant}: {len(one.listed)} accounts; {len(one.changes) or 'no'} changes"))
    for change in one.changes:
        console.print(Text(f"  {change.kind} {change.fact.account}", _STYLES[change.kind]))
        for told in change.told:
            console.print(Text(f"    {told}"), soft_wrap=True)
    if one.changes and (which := told_of(one.listed)):
        console.print(Text(f"  {which}", "yellow"), soft_wrap=True)


def _show(shown: Sequence[ComplianceStated]) -> None:
    console = make_console()
    for tenant in dict.fromkeys(one.tenant for one in shown):
        accounts = [one for one in shown if one.tenant == tenant]
        registry = Registry(accounts)
        table = Table("tenant", "account", "what", "sid", "status", "for", "rate", "why")
        for one in accounts:
            for cells, status in _rows(one, registry):
                table.add_row(
                    Text(tenant), Text(one.account), *map(Text, cells[:2]), _word(status), *map(Text, cells[2:])
                )
        console.print(table)
        for one in accounts:
            for unfit in registry.unfits(one.numbers):
                console.print(Text(f"To the US: {said(unfit)}", "yellow"), soft_wrap=True)


def _rows(one: ComplianceStated, registry: Registry) -> Iterator[tuple[tuple[str, ...], str]]:
    for brand in one.brands:
        score = "no score" if brand.score is None else f"score {brand.score}"
        yield ("brand", brand.sid, f"{brand.type} {score}", "", brand.reason or ""), brand.status
    for campaign in one.campaigns:
        about = f"{campaign.usecase} {campaign.service}"
        rate = _rate(campaign, registry.brands.get(campaign.brand))
        yield ("campaign", campaign.sid, about, rate, campaign.reason or ""), campaign.status
    for found in one.verifications:
        yield ("toll-free", found.sid, found.number, "", found.reason or ""), found.status


def _rate(campaign: Campaign, brand: Brand | None) -> str:
    rate = a_second(campaign, brand)
    return "" if rate is None else f"{rate:g}/s"


def _word(status: str) -> Text:
    state = state_of(status)
    return Text(status, "red" if state in STOPPED else "green" if state == "approved" else "yellow")
