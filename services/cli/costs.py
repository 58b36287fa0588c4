"""`switchboard costs`: what messages cost, as Twilio charged for them."""

import json
from typing import Annotated, get_args

import typer
from rich.table import Table
from rich.text import Text

from services.cli.attended import attend
from services.cli.console import make_console
from services.cli.refused import Refused
from services.cli.times import Time
from services.domain.clock import later
from services.operations.costs import Asked, By, Total, summed
from services.operations.times import limits
from services.runtime.clock import CLOCK, now
from services.runtime.config import load

_DAY_S = 86_400.0
_NAMES: tuple[By, ...] = get_args(By)


def costs(
    since: Time = None,
    until: Time = None,
    tenant: Annotated[str | None, typer.Option(help="Whose messages; default: every tenant's.")] = None,
    by: Annotated[
        str, typer.Option(help=f"Names to sum by, parted by commas: of {', '.join(_NAMES)}.")
    ] = "country,channel,label,template",
    as_json: Annotated[bool, typer.Option("--json", help="A document for programs.")] = False,
) -> None:
    """Sum what Twilio charged for messages sent in a time; default: the last 24 hours. Exit code 1: there is none.

    A price is known some hours after its message, for some after a day: what is not known yet is in no sum. Messages to
    us, numbers and all else that an account pays for are not in it.
    """
    names = _read(by)
    shown: list[Total] = []

    async def work() -> None:
        settings = load()
        if settings.clock_skew_file is not None:
            CLOCK.follow(settings.clock_skew_file)
        begin, end = limits(since, until)
        end = end or now()
        asked = Asked(begin or later(end, -_DAY_S), end, tenant)
        shown.extend(await summed(settings.kafka, asked, names))
        if as_json:
            typer.echo(json.dumps(_document(asked, names, shown), indent=2))
        else:
            make_console().print(_table(names, shown) if shown else Text("no cost of such a message is known"))

    attend(work, lambda: "", "Stopped.")
    if not shown:
        raise typer.Exit(1)


def _read(by: str) -> list[By]:
    found = [name.strip() for name in by.split(",") if name.strip()]
    if strange := [name for name in found if name not in _NAMES]:
        raise Refused(f"--by: {', '.join(strange)}: no such name; there are {', '.join(_NAMES)}")
    return [name for name in _NAMES if name in found]


def _table(names: list[By], found: list[Total]) -> Table:
    table = Table(*names, "messages", "segments", "price", "currency")
    for one in found:
        cells = (*one.names, str(one.messages), str(one.segments), f"{one.price:f}", one.currency)
        table.add_row(*map(Text, cells))
    for currency in dict.fromkeys(one.currency for one in found):
        own = [one for one in found if one.currency == currency]
        sums = (sum(one.messages for one in own), sum(one.segments for one in own))
        table.add_section()
        cells = (*([""] * len(names)), *map(str, sums), f"{sum(one.price for one in own):f}", currency)
        table.add_row(*map(Text, cells))
    return table


def _document(asked: Asked, names: list[By], found: list[Total]) -> dict[str, object]:
    rows = [
        {
            **dict(zip(names, one.names, strict=True)),
            "messages": one.messages,
            "segments": one.segments,
            # A text: a number of JSON's is not exact.
            "price": f"{one.price:f}",
            "currency": one.currency,
        }
        for one in found
    ]
    return {"since": asked.since, "until": asked.until, "tenant": asked.tenant, "costs": rows}
