"""`switchboard backfill`: what Twilio has and the log lacks, shown, and with --apply injected."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.attended import attend
from services.cli.bars import Bars
from services.cli.console import make_console
from services.cli.times import Time
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.events import StatusReceived
from services.operations.backfill.compare import Comparison
from services.operations.backfill.filling import Backfill, Wanted, prepare
from services.operations.backfill.lacking import Kind, Lacking
from services.runtime.config import load
from services.runtime.masking import mask, unsteered

_PLAIN_WIDTH = 200
_MOST_ROWS = 10
_NAMES: dict[Kind, tuple[str, str]] = {
    "inbound": ("inbound message", "inbound messages"),
    "date": ("date of a STOP or START", "dates of STOPs and STARTs"),
    "status": ("status", "statuses"),
}


def backfill(
    tenant: Annotated[str, typer.Option(help="Whose messages.")],
    since: Time = None,
    until: Time = None,
    opt_outs: Annotated[
        bool, typer.Option("--opt-outs", help="Only STOPs, STARTs and what was refused for them; by default 13 months.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Inject what is lacking; else it is only shown.")] = False,
) -> None:
    """Find what Twilio has of a time range and the log lacks; with --apply, inject it. Default: the last 24 h.

    Nothing is ever sent to anybody. A second run injects nothing twice. Subaccounts are not asked.
    """
    runs: list[Backfill] = []

    async def work() -> None:
        run = await prepare(load(), Wanted(tenant, since, until, opt_outs))
        bars, console = Bars(), make_console()
        runs.append(run)
        with bars.progress:
            found = await run.compare(bars.show)
        _tell(console, tenant, run, found, "opt-outs, opt-ins and refusals" if opt_outs else "messages")
        if not found.lacking:
            return
        if not apply:
            _say(console, "Nothing was written. Run it with --apply to inject what is lacking.")
            return
        bars = Bars()
        with bars.progress:
            await run.inject(found, bars.show)
        _say(console, f"{run.injected:,} facts were injected, with provenance backfill.")

    attend(work, lambda: _so_far(runs), "Stopped. A second run finds what is still lacking.")


def _so_far(runs: list[Backfill]) -> str:
    if not runs or not runs[0].injected:
        return ""
    return f"{runs[0].injected:,} facts were injected before that; they stay, and are facts."


def _tell(console: Console, tenant: str, run: Backfill, found: Comparison, what: str) -> None:
    """Counts and a few examples. No bodies, no whole addresses."""
    account = f"account {run.tenant.account_sid}" + (", without its subaccounts" if run.tenant.subaccounts else "")
    _say(console, f"{tenant} ({account}), from {run.window.since} to {run.window.until}:")
    _say(console, f"{found.messages:,} {what} at Twilio. The log lacks {_summary(found.lacking)}.", "bold")
    if found.lacking:
        # Where nobody looks, lines may be as long as they are.
        width = None if console.is_terminal else _PLAIN_WIDTH
        console.print(_table(found.lacking), width=width, crop=False)
    for line in _listing_of(found.unattributed):
        _say(console, line, "yellow")


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style), soft_wrap=True)


def _summary(found: Sequence[Lacking]) -> str:
    """`2 inbound messages, 3 statuses (delivered 2, failed 1)`; `nothing`."""
    counts = Counter(one.kind for one in found)
    parts = [f"{counts[kind]:,} {names[counts[kind] > 1]}" for kind, names in _NAMES.items() if counts[kind]]
    statuses = Counter(one.event.message_status for one in found if isinstance(one.event, StatusReceived))
    told = ", ".join(f"{status} {count:,}" for status, count in statuses.most_common())
    return unsteered(", ".join(parts) + (f" ({told})" if told else "")) or "nothing"


def _table(found: Sequence[Lacking]) -> Table:
    """The first few, a line each."""
    left = len(found) - _MOST_ROWS
    shown = Table(
        box=SIMPLE_HEAD, pad_edge=False, caption=f"and {left:,} more" if left > 0 else None, caption_justify="left"
    )
    for name in ("kind", "at Twilio (UTC)", "message", "from → to", "what"):
        shown.add_column(name, no_wrap=True)
    for one in found[:_MOST_ROWS]:
        event = one.event
        addresses = f"{mask(event.from_)} → {mask(event.to)}"
        row = (one.kind, one.at.removesuffix(".000Z"), event.message_sid, addresses, _what(one))
        shown.add_row(*(Text(unsteered(cell)) for cell in row))
    return shown


def _listing_of(unattributed: Sequence[MessageAtTwilio]) -> list[str]:
    """What a person has to look at: messages to us whose sender Twilio masks, by day and sender of ours."""
    if not unattributed:
        return []
    lines = [
        f"{len(unattributed):,} inbound messages are redacted and cannot be attributed to anybody; each may have been "
        "a STOP. They hold nobody, and nothing is injected for them. Look at them, newest last:"
    ]
    for one in unattributed[-_MOST_ROWS:]:
        lines.append(unsteered(f"  {one.at.removesuffix('.000Z')} {one.sid} to {mask(one.to)}"))
    return lines


def _what(one: Lacking) -> str:
    if isinstance(one.event, StatusReceived):
        before = f"{one.before} → " if one.before else ""
        code = f" {one.event.error_code}" if one.event.error_code else ""
        return f"{before}{one.event.message_status}{code}"
    return "not known exactly" if one.kind == "date" else f"media {one.event.num_media}" if one.event.num_media else ""
