"""`switchboard rebuild`: a table folded again from the log, compared with the live one, and with --apply mended."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.attended import attend
from services.cli.bars import Bars
from services.cli.console import make_console
from services.cli.refused import IN_THE_WAY
from services.operations.rebuild.compare import Found, Kind
from services.operations.rebuild.plan import Plan, Service, plan
from services.operations.rebuild.work import Wish, Work
from services.processor.topology import topology
from services.runtime.clock import CLOCK
from services.runtime.config import Settings, load
from services.runtime.folding.fold import Fold
from services.runtime.masking import scrub, unsteered
from services.runtime.tenants.live import Tenants
from services.sender.topology import folds

_DIFFERS = 1
_PLAIN_WIDTH = 200
_MOST_ROWS = 10
_KINDS: tuple[Kind, ...] = ("differs", "only live", "only on the log")


def rebuild(
    name: Annotated[str, typer.Argument(metavar="TABLE", help="delivery, commands, suppression, sessions, …")],
    service: Annotated[Service, typer.Option(help="Whose table.")] = "processor",
    apply: Annotated[bool, typer.Option("--apply", help="Publish what differs; the service must be stopped.")] = False,
    snapshot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Begin where this saved table ends, not where the log begins.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the rebuilt table; it may hold addresses (mode 0600).")
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the shadow lies while it is needed; default: /tmp.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs, with every difference.")] = False,
) -> None:
    """Fold a table again from the log, beside the live one, and compare; with --apply, publish what differs.

    Nothing is ever sent to anybody. Exit code 0: equal; 1: rows differ; 2: it cannot be told.
    """
    runs: list[Work] = []

    async def work() -> None:
        settings = load()
        if settings.clock_skew_file is not None:
            CLOCK.follow(settings.clock_skew_file)
        planned, bars = plan(live_folds(settings, service), name, service), Bars()
        wish = Wish(apply, snapshot, save, scratch)
        runs.append(Work(settings.kafka, planned, wish))
        with bars.progress:
            await runs[0].run(bars.show)
        if as_json:
            typer.echo(_as_json(planned, runs[0]))
        else:
            _tell(make_console(), planned, wish, runs[0])

    attend(work, lambda: _so_far(runs), "Stopped. A second run finds what still differs.")
    raise typer.Exit(_DIFFERS if runs[0].differs else IN_THE_WAY if runs[0].undecided else 0)


def live_folds(settings: Settings, service: Service) -> Sequence[Fold]:
    """The folds of a service, as it runs them."""
    return topology(settings, {}) if service == "processor" else folds(settings, Tenants())


def _so_far(runs: list[Work]) -> str:
    if not runs or not runs[0].published:
        return ""
    return f"{runs[0].published:,} rows were published before that; they stay, and are right."


def _tell(console: Console, planned: Plan, wish: Wish, run: Work) -> None:
    """For people: what was compared, what differs, what was done."""
    _say(console, f"{planned.table.name} of the {planned.service}, from {run.records:,} records of the log:")
    _say(console, _summary(run.found), style="bold")
    if any(one.differing for one in run.found):
        # Where nobody looks, lines may be as long as they are.
        console.print(_table(run.found), width=None if console.is_terminal else _PLAIN_WIDTH, crop=False)
    _say(console, *_remarks(planned, wish, run))


def _remarks(planned: Plan, wish: Wish, run: Work) -> list[str]:
    lines = []
    if not planned.alone:
        lines.append("Other tables tell this one something too. What rows hold was taken as it stands.")
    elif run.cut:
        lines.append(
            "Retention has cut the log. What rows hold from before was taken as it stands: a --snapshot would tell."
        )
    if run.undecided:
        lines.append(f"Not decided: rows that the log tells more of than the {planned.service} has folded; ask again.")
    if wish.apply:
        lines.append(f"{run.published:,} rows were published. Nobody was written to.")
    elif any(one.differing for one in run.found):
        lines.append("Nothing was written. Run it with --apply to publish the differences.")
    if run.saved is not None:
        lines.append(f"{run.saved:,} rows were saved to {wish.save}, which may hold addresses: only you can read it.")
    return lines


def _as_json(planned: Plan, run: Work) -> str:
    """For programs: the same, and every difference."""
    told = {
        "table": planned.table.name,
        "service": planned.service,
        "records": run.records,
        "rows": {name.replace(" ", "_"): count for name, count in _counts(run.found).items()},
        "differences": _differences(run.found),
        "log_cut": run.cut,
        "published": run.published,
        "saved": run.saved,
    }
    return msgspec.json.encode(told).decode()


def _say(console: Console, *lines: str, style: str = "") -> None:
    for line in lines:
        console.print(Text(line, style), soft_wrap=True)


def _counts(found: Sequence[Found]) -> dict[str, int]:
    """All partitions together, by what is counted."""
    kinds = Counter(kind for one in found for kind in one.differing.values())
    return {
        "compared": sum(one.compared for one in found),
        "equal": sum(one.equal for one in found),
        **{kind: kinds[kind] for kind in _KINDS},
        "not decided": sum(len(one.undecided) for one in found),
        "older than the log": sum(one.older for one in found),
    }


def _differences(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Every row that differs: partition, key (masked), how."""
    return [
        {"partition": number, "key": _masked(key), "how": kind}
        for number, one in enumerate(found)
        for key, kind in sorted(one.differing.items())
    ]


def _summary(found: Sequence[Found]) -> str:
    """`1,204 rows compared: 1,203 equal, 1 differs`, and whatever else there is."""
    told = _counts(found)
    compared = told.pop("compared")
    equal = told.pop("equal")
    rest = "".join(f", {count:,} {name}" for name, count in told.items() if count)
    return f"{compared:,} rows compared: {equal:,} equal{rest}."


def _table(found: Sequence[Found]) -> Table:
    """The first few that differ, a line each."""
    rows = _differences(found)
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
