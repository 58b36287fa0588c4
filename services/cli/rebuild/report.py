"""What a rebuild shows: counts, and the first few rows that differ, by key. No contents; keys masked."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from services.cli.rebuild.compare import Found, Kind
from services.runtime.masking import scrub, unsteered

_MOST_ROWS = 10
_KINDS: tuple[Kind, ...] = ("differs", "only live", "only on the log", "index rows")


def counts(found: Sequence[Found]) -> dict[str, int]:
    """All partitions together, by what is counted."""
    kinds = Counter(kind for one in found for kind in one.differing.values())
    return {
        "compared": sum(one.compared for one in found),
        "equal": sum(one.equal for one in found),
        **{kind: kinds[kind] for kind in _KINDS},
        "not decided": sum(len(one.undecided) for one in found),
        "older than the log": sum(one.older for one in found),
    }


def differences(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Every row that differs: partition, key (masked), how."""
    return [
        {"partition": number, "key": _masked(key), "how": kind}
        for number, one in enumerate(found)
        for key, kind in sorted(one.differing.items())
    ]


def summary(found: Sequence[Found]) -> str:
    """`1,204 rows compared: 1,203 equal, 1 differs`, and whatever else there is."""
    told = counts(found)
    compared = told.pop("compared")
    equal = told.pop("equal")
    rest = "".join(f", {count:,} {name}" for name, count in told.items() if count)
    return f"{compared:,} rows compared: {equal:,} equal{rest}."


def table(found: Sequence[Found]) -> Table:
    """The first few that differ, a line each."""
    rows = differences(found)
    left = len(rows) - _MOST_ROWS
    shown = Table(
        box=SIMPLE_HEAD, pad_edge=False, caption=f"and {left:,} more" if left > 0 else None, caption_justify="left"
    )
    for name in ("partition", "key", "how"):
        shown.add_column(name, no_wrap=True)
    for row in rows[:_MOST_ROWS]:
        shown.add_row(*(Text(str(row[name])) for name in ("partition", "key", "how")))
    return shown


def _masked(key: str) -> str:
    """Some keys hold addresses of ours, and a command id may be anything."""
    return unsteered(scrub(key))
