"""What a backfill shows: counts and a few examples. No bodies, no whole addresses."""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from services.cli.backfill.lacking import Kind, Lacking, Listed
from services.domain.messages.events import StatusReceived
from services.runtime.masking import mask, unsteered

_MOST_ROWS = 10
_NAMES: dict[Kind, tuple[str, str]] = {
    "inbound": ("inbound message", "inbound messages"),
    "date": ("date of a STOP or START", "dates of STOPs and STARTs"),
    "status": ("status", "statuses"),
}


def summary(found: Sequence[Lacking]) -> str:
    """`2 inbound messages, 3 statuses (delivered 2, failed 1)`; `nothing`."""
    counts = Counter(one.kind for one in found)
    parts = [f"{counts[kind]:,} {names[counts[kind] > 1]}" for kind, names in _NAMES.items() if counts[kind]]
    statuses = Counter(one.event.message_status for one in found if isinstance(one.event, StatusReceived))
    told = ", ".join(f"{status} {count:,}" for status, count in statuses.most_common())
    return _plain(", ".join(parts) + (f" ({told})" if told else "")) or "nothing"


def table(found: Sequence[Lacking]) -> Table:
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
        shown.add_row(*(Text(_plain(cell)) for cell in row))
    return shown


def listing_of(unattributed: Sequence[Listed]) -> list[str]:
    """What a person has to look at: messages to us whose sender Twilio masks, by day and sender of ours."""
    if not unattributed:
        return []
    lines = [
        f"{len(unattributed):,} inbound messages are redacted and cannot be attributed to anybody; each may have been "
        "a STOP. They hold nobody, and nothing is injected for them. Look at them, newest last:"
    ]
    for one in unattributed[-_MOST_ROWS:]:
        lines.append(_plain(f"  {one.at.removesuffix('.000Z')} {one.sid} to {mask(one.to)}"))
    return lines


def _what(one: Lacking) -> str:
    if isinstance(one.event, StatusReceived):
        before = f"{one.before} → " if one.before else ""
        code = f" {one.event.error_code}" if one.event.error_code else ""
        return f"{before}{one.event.message_status}{code}"
    return "not known exactly" if one.kind == "date" else f"media {one.event.num_media}" if one.event.num_media else ""


def _plain(text: str) -> str:
    """Text of others gives the terminal no orders."""
    return unsteered(text)
