"""`switchboard senders plan|apply`: read Twilio's lists, show what is news in them, write it to `twilio.senders.v1`."""

import asyncio
from typing import Annotated, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from services.cli.attended import attend
from services.cli.console import make_console
from services.contract import codec
from services.contract.partition import partition_of
from services.contract.senders import SENDERS
from services.domain.senders.events import SendersStated, key_of
from services.domain.senders.listing import Change, changes, is_emptied, joined
from services.operations.calling import TwilioError
from services.operations.senders import known, listed
from services.operations.writing import FactWriter, Outgoing
from services.runtime.clock import CLOCK, now
from services.runtime.config import KafkaSettings, Settings, load
from services.runtime.tenants.opening import tenants_of

app = typer.Typer(no_args_is_help=True, help="Know which sender is in which Messaging Service.")

Tenant = Annotated[str | None, typer.Option(help="Whose senders; default: every tenant's.")]
Empty = Annotated[
    bool, typer.Option("--allow-empty", help="Believe a list of nothing, where there were senders before.")
]
_STYLES = {"joined": "green", "left": "yellow", "new": "dim"}


class _Found(NamedTuple):
    after: SendersStated
    changes: list[Change]


@app.command("plan")
def plan(tenant: Tenant = None, allow_empty: Empty = False) -> None:
    """Show what Twilio's lists would change. Exit code: 0 nothing, 1 something, 2 impossible."""
    found: list[_Found] = []

    async def work() -> None:
        found.extend(await _read(load(), tenant, allow_empty))
        _show(found)

    attend(work, lambda: "Nothing was changed.", "Stopped; nothing was written.")
    if any(one.changes for one in found):
        raise typer.Exit(1)


@app.command("apply")
def apply(tenant: Tenant = None, allow_empty: Empty = False) -> None:
    """Write what Twilio lists, with its moment: run it daily. What has ended is kept, and goes on to block.

    All lists of all tenants are read before anything is written.
    """

    read: list[_Found] = []

    async def work() -> None:
        settings = load()
        found = await _read(settings, tenant, allow_empty)
        read.extend(found)
        _show(found)
        async with FactWriter(settings.kafka) as writer:
            await writer.write([_record(settings.kafka, one.after) for one in found], lambda: None)
        make_console().print(Text(f"written to {SENDERS.name}; every worker knows it within a second"))

    attend(
        work,
        lambda: "" if read else "Nothing was changed.",
        "Stopped; what is not written yet is found by the next run.",
    )


async def _read(settings: Settings, tenant: str | None, allow_empty: bool) -> list[_Found]:
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    tenants = tenants_of(settings)
    if tenant is not None and tenant not in tenants:
        raise TwilioError(f"no tenant {tenant!r}; the settings know: {', '.join(tenants) or 'none'}")
    before_of = await known(settings.kafka)
    found = []
    for name in [tenant] if tenant else list(tenants):
        at = now()
        read = await asyncio.to_thread(listed, name, tenants[name], settings.twilio)
        before = before_of.get(name)
        if is_emptied(before, read) and not allow_empty:
            raise TwilioError(
                f"Twilio lists no sender and no service of tenant {name}, where there were some; check its "
                "credentials, or say --allow-empty if that is the truth"
            )
        # Of the moment when it was asked for: what changed meanwhile is in the next list for sure.
        after = joined(before, name, read, at)
        found.append(_Found(after, changes(before, after)))
    return found


def _record(kafka: KafkaSettings, stated: SendersStated) -> Outgoing:
    key = key_of(stated).encode()
    return Outgoing(
        SENDERS.name, partition_of(key, kafka.partitions), key, codec.encode(stated), codec.headers(SENDERS.name)
    )


def _show(found: list[_Found]) -> None:
    console = make_console()
    for one in found:
        now_in = [known for known in one.after.senders.values() if any(not m.ended for m in known.services.values())]
        console.print(
            Text(
                f"{one.after.tenant}: {len(one.after.senders)} senders, {len(now_in)} of them in "
                f"{len(one.after.services)} services; {len(one.changes) or 'no'} changes"
            )
        )
        if one.after.full:
            console.print(Text("  more than find room: what is left out may be in any service, and blocks more", "red"))
        if one.changes:
            console.print(_table(one.changes))


def _table(news: list[Change]) -> Table:
    table = Table("", "sender", "Messaging Service")
    for one in news:
        table.add_row(Text(one.kind, _STYLES[one.kind]), Text(one.sender), Text(one.service))
    return table
