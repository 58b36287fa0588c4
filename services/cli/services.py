"""`switchboard services plan|apply`: Messaging Services as a file wants them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.text import Text

from services.cli.attended import attend
from services.cli.changes import (
    By,
    Digest,
    Note,
    Numbers,
    Take,
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
from services.operations.calling import Account, accounts
from services.operations.changing import Change, Done, carry_out
from services.operations.services.applying import ServiceHands
from services.operations.services.planning import Plan, planned
from services.operations.services.reading import holding
from services.operations.services.wanted import WantedService, read
from services.operations.webhooks.owners import Owners
from services.operations.webhooks.planning import Rules
from services.runtime.config import Settings, load
from services.runtime.section import ConfigError

app = typer.Typer(no_args_is_help=True, help="Make Twilio's Messaging Services from a file.")

File = Annotated[Path, typer.Argument(help="YAML: tenants, each with a list of services (docs/doctor.md).")]


class _Found(NamedTuple):
    accounts: list[Account]
    plans: list[Plan]

    @property
    def changes(self) -> list[Change]:
        return [change for plan in self.plans for change in plan.changes]


@app.command("plan")
def plan(file: File, take: Take = None, show_numbers: Numbers = False) -> None:
    """Show which services would be made or changed, and who would join or leave. Changes nothing.

    Exit code: 0 nothing to do, 1 something to do, 2 refused or impossible.
    """
    found: list[_Found] = []

    async def work() -> None:
        found.append(await _plan(load(), file, take))
        _show(found[0], show_numbers)

    attend(work, str, "Stopped; nothing was changed.")
    if found[0].changes:
        raise typer.Exit(1)


@app.command("apply")
def apply(
    file: File,
    take: Take = None,
    plan_digest: Digest = None,
    yes: Yes = False,
    by: By = None,
    note: Note = None,
    show_numbers: Numbers = False,
) -> None:
    """Show the plan anew, and carry it out, one after the other; each is told on twilio.audit.v1.

    Nothing is deleted. What changed at Twilio since the plan is left.
    Exit code: 0 all is so, 1 something is not, 2 impossible.
    """
    done: list[Done] = []

    async def work() -> None:
        settings = load()
        found = await _plan(settings, file, take)
        _show(found, show_numbers)
        allowed(found.changes, plan_digest, yes)
        hands = ServiceHands({one.sid: one for one in found.accounts})
        done.extend(await carry_out(settings.kafka, found.changes, hands, asker(by, note), show_done(show_numbers)))

    attend(work, str, "Stopped; a new plan says what is so.")
    if went_wrong(done):
        raise typer.Exit(1)


async def _plan(settings: Settings, file: Path, take: Sequence[str] | None) -> _Found:
    """Raises ConfigError: a sentence for each reason why nothing may be done."""
    tenants = known(settings)
    rules = Rules(settings.public_url, Owners(tenants), tuple(take or ()))
    accounted: list[Account] = []
    plans: list[Plan] = []
    for name, wanted in read(file).items():
        tenant = chosen(tenants, name)[name]
        of = {one.sid: one for one in accounts(name, tenant, settings.twilio)}
        by_account: dict[str, list[WantedService]] = {}
        for one in wanted:
            by_account.setdefault(one.account or tenant.account_sid, []).append(one)
        if strangers := by_account.keys() - of.keys():
            raise ConfigError(f"{name}: {', '.join(strangers)} is neither its account nor one of its subaccounts")
        for sid, services in by_account.items():
            accounted.append(of[sid])
            held = await asyncio.to_thread(holding, of[sid])
            plans.append(planned(services, held, rules))
    if refused := [sentence for plan in plans for sentence in plan.refused]:
        raise ConfigError("\n".join(["nothing may be changed, because of", *refused]))
    return _Found(accounted, plans)


def _show(found: _Found, numbers: bool) -> None:
    console = make_console()
    console.print(Text(f"{len(found.changes) or 'no'} changes"))
    show_changes(console, found.changes, numbers)
    for left in (one for plan in found.plans for one in plan.left):
        console.print(Text(f"left: service {name_of(left.endpoint.name, numbers)} → {left.where}", "yellow"))
        console.print(Text(f"    {left.remedy}"), soft_wrap=True)
