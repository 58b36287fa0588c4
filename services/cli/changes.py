"""What `plan` and `apply` have in common where they change Twilio: options, the plan as it is shown, leave to do it."""

import getpass
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.console import make_console
from services.domain.audit import Asker
from services.operations.calling import TwilioError
from services.operations.changing import Change, Done, digest_of, shown
from services.operations.doctor.account import masked
from services.runtime.clock import CLOCK
from services.runtime.config import Settings
from services.runtime.masking import unsteered
from services.runtime.section import ConfigError
from services.runtime.tenants.opening import tenants_of
from services.runtime.tenants.settings import TenantSettings

Tenant = Annotated[str | None, typer.Option(help="Of one tenant alone; default: of every open one.")]
Numbers = Annotated[bool, typer.Option("--show-numbers", help="Show our numbers whole.")]
Digest = Annotated[
    str | None, typer.Option("--plan", help="Apply only if this is still the plan: the name that `plan` gave it.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Apply without asking.")]
By = Annotated[str | None, typer.Option(help="Who does so; default: you.")]
Note = Annotated[str | None, typer.Option(help="Why.")]

Take = Annotated[
    list[str] | None,
    typer.Option(
        help="Make these ours as well: URLs that begin so (https://old.example.com), or a TwiML app (AP…). Repeatable."
    ),
]

_STYLES = {"changed": "green", "unchanged": "yellow", "unknown": "red"}


def known(settings: Settings) -> Mapping[str, TenantSettings]:
    """All tenants, in whatever state; time is told as the settings say. Raises ConfigError."""
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    return tenants_of(settings)


def chosen(tenants: Mapping[str, TenantSettings], tenant: str | None) -> Mapping[str, TenantSettings]:
    """The tenant that is named, or all that are open. Raises ConfigError."""
    if tenant is None:
        return {name: one for name, one in tenants.items() if one.state == "open"}
    if tenant not in tenants:
        raise TwilioError(f"no tenant {tenant!r}; the settings know: {', '.join(tenants) or 'none'}")
    return {tenant: tenants[tenant]}


def asker(by: str | None, note: str | None) -> Asker:
    return Asker(by or getpass.getuser(), note)


def allowed(changes: Sequence[Change], digest: str | None, yes: bool) -> None:
    """Raises ConfigError unless this very plan was named, or a person says yes to what is on the screen."""
    made = digest_of(changes)
    if digest is not None and digest != made:
        raise ConfigError(f"this is plan {made} and not {digest}: something changed since; look at it, and name it")
    if not changes or digest is not None or yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"nobody to ask: say --plan {made}, or --yes for whatever the plan is. Nothing was changed")
    if not typer.confirm("Apply it?"):
        raise ConfigError("Nothing was changed.")


def show_changes(console: Console, changes: Sequence[Change], numbers: bool) -> None:
    """What would be done, each with what was and what is to be, and the plan's name."""
    if not changes:
        return
    table = Table("tenant", "what", "field", "is", "is to be", "why")
    for one in changes:
        for place, (field, to) in enumerate(one.after.items()):
            what = f"{one.kind} {name_of(one.name, numbers)}" if not place else ""
            was = one.before.get(field, "")
            cells = (
                one.tenant if not place else "",
                what,
                field,
                _value(was),
                _value(to),
                one.why if not place else "",
            )
            table.add_row(*(Text(unsteered(cell)) for cell in cells))
    console.print(table, width=None if console.is_terminal else 300, crop=False)
    console.print(Text(f"plan {digest_of(changes)}"))


def show_done(numbers: bool) -> Callable[[Done], None]:
    """A line for each, as it is done."""
    console = make_console()

    def show(done: Done) -> None:
        one = done.change
        line = f"{done.end}: {one.tenant} {one.kind} {name_of(one.name, numbers)}: {done.says}"
        console.print(Text(unsteered(line), _STYLES[done.end]), soft_wrap=True)

    return show


def went_wrong(done: Iterable[Done]) -> bool:
    """Whether something that was to change did not, or may not have."""
    return any(not one.is_so for one in done)


def name_of(name: str, numbers: bool) -> str:
    return name if numbers else masked(name)


def _value(text: str) -> str:
    return shown(text) if "://" in text else text or "–"
