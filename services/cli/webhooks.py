"""`switchboard webhooks plan|apply`: the URLs at Twilio against the settings."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from services.cli.attended import attend
from services.cli.changes import (
    By,
    Digest,
    Note,
    Numbers,
    Take,
    Tenant,
    Yes,
    allowed,
    asker,
    chosen,
    known,
    name_of,
    show_changes,
    show_done,
    went_wrong,
)
from services.cli.console import make_console
from services.operations.calling import Account, each_account
from services.operations.changing import Done, carry_out
from services.operations.webhooks.applying import WebhookHands
from services.operations.webhooks.owners import Owners
from services.operations.webhooks.planning import Plan, Rules, planned
from services.operations.webhooks.reading import endpoints
from services.runtime.config import Settings, load

app = typer.Typer(no_args_is_help=True, help="Lead Twilio's webhooks to public_url.")

Fallback = Annotated[
    str | None, typer.Option(help="Base URL of an ingress elsewhere, for fallbacks; default: public_url.")
]


@app.command("plan")
def plan(
    tenant: Tenant = None, take: Take = None, fallback_url: Fallback = None, show_numbers: Numbers = False
) -> None:
    """Show which URLs would be changed, and which lead elsewhere and are left. Changes nothing.

    Exit code: 0 nothing to do, 1 something to do, 2 impossible.
    """
    found: list[Plan] = []

    async def work() -> None:
        settings = load()
        _, made = await _plan(settings, tenant, take, fallback_url)
        found.append(made)
        _show(made, show_numbers)

    attend(work, str, "Stopped; nothing was changed.")
    if found[0].changes:
        raise typer.Exit(1)


@app.command("apply")
def apply(
    tenant: Tenant = None,
    take: Take = None,
    fallback_url: Fallback = None,
    plan_digest: Digest = None,
    yes: Yes = False,
    by: By = None,
    note: Note = None,
    show_numbers: Numbers = False,
) -> None:
    """Show the plan anew, and set the URLs, one after the other; each is told on twilio.audit.v1.

    What changed at Twilio since the plan is left as it is.
    Exit code: 0 all is so, 1 something is not, 2 impossible.
    """
    done: list[Done] = []

    async def work() -> None:
        settings = load()
        read, made = await _plan(settings, tenant, take, fallback_url)
        _show(made, show_numbers)
        allowed(made.changes, plan_digest, yes)
        hands = WebhookHands({one.sid: one for one in read})
        done.extend(await carry_out(settings.kafka, made.changes, hands, asker(by, note), show_done(show_numbers)))

    attend(work, lambda: f"{len(done)} were done before that." if done else "", "Stopped; a new plan says what is so.")
    if went_wrong(done):
        raise typer.Exit(1)


async def _plan(
    settings: Settings, tenant: str | None, take: Sequence[str] | None, fallback: str | None
) -> tuple[list[Account], Plan]:
    """Read all of it, of every account once, before anything is said."""
    tenants = known(settings)
    asked = chosen(tenants, tenant)
    elsewhere = fallback.rstrip("/") if fallback else None
    rules = Rules(settings.public_url, Owners(tenants), tuple(take or ()), elsewhere, frozenset(asked))
    read = each_account(asked, settings.twilio)
    return read, await asyncio.to_thread(
        lambda: planned((one for account in read for one in endpoints(account)), rules)
    )


def _show(made: Plan, numbers: bool) -> None:
    console = make_console()
    console.print(Text(f"{made.looked_at} looked at; {len(made.changes)} to change, {len(made.left)} left"))
    show_changes(console, made.changes, numbers)
    for one in made.left:
        name = name_of(one.endpoint.name, numbers)
        console.print(Text(f"left: {one.endpoint.tenant} {one.endpoint.kind} {name} → {one.where}", "yellow"))
        console.print(Text(f"    {one.remedy}"), soft_wrap=True)
