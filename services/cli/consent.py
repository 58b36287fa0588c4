"""`switchboard consent import`: shown, and with --apply produced as public consent commands."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from services.cli.attended import attend
from services.cli.bars import Bars
from services.cli.console import make_console
from services.operations.consent_import.errors import ImportFileError
from services.operations.consent_import.importing import Import, Judged, Wanted, compare, prepare
from services.operations.consent_import.statements import FIELDS
from services.runtime.config import load

app = typer.Typer(help="Consent that is recorded elsewhere.", no_args_is_help=True)

_MOST_SHOWN = 10


@app.callback()
def _consent() -> None:
    pass


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8, with a header) or Parquet.")],
    tenant: Annotated[str, typer.Option(help="Whose people they are.")],
    action: Annotated[str | None, typer.Option(help="opt_in or opt_out, where no column says it.")] = None,
    source: Annotated[str | None, typer.Option(help="Where it comes from, where no column says it.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help=f"FIELD=NAME for a column of another name; fields: {', '.join(FIELDS)}.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="The country (ISO, such as US) of numbers without +.")] = None,
    timezone: Annotated[str | None, typer.Option(help="The zone of times without one, such as Europe/Berlin.")] = None,
    delimiter: Annotated[str, typer.Option(help="Between the cells of a CSV.")] = ",",
    after: Annotated[int, typer.Option(min=0, help="Go on after this row.")] = 0,
    deactivations: Annotated[
        bool,
        typer.Option("--deactivations", help="Opt-ins are faulty whose number stands in a list of Twilio's after it."),
    ] = False,
    skip_faulty: Annotated[bool, typer.Option("--skip-faulty", help="Leave faulty rows out.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Import; else it is only shown.")] = False,
) -> None:
    """Import opt-outs and opt-ins of the system that is retired, with their evidence.

    The same row is the same statement: a second run, or one that goes on, records nothing twice.
    """
    wanted = Wanted(file, tenant, action, source, column or (), region, timezone, delimiter, after)
    runs: list[Import] = []

    async def work() -> None:
        settings = load()
        run, bars = await prepare(settings, wanted), Bars()
        runs.append(run)
        with bars.progress:
            if deactivations:
                await compare(settings, run, tenant, bars.show)
            judged = run.judge(bars.show)
        _tell(judged)
        if judged.faulty and not skip_faulty:
            raise ImportFileError("Nothing was written. Correct the file, or leave such rows out with --skip-faulty")
        if not apply:
            _say("Nothing was written. Run it with --apply to import them.")
            return
        bars = Bars()
        with bars.progress:
            await run.write(judged.statements, bars.show)
        _say(f"{run.written:,} statements were produced to {run.topic}.")
        _say("Each is answered `recorded` on the results topic.")

    attend(work, lambda: _so_far(runs), "Stopped.")


def _so_far(runs: list[Import]) -> str:
    if not runs or not runs[0].written:
        return ""
    return f"Rows up to {runs[0].reached:,} are imported; go on with --after {runs[0].reached}. Twice is no harm."


def _tell(judged: Judged) -> None:
    told = ", ".join(f"{action} {count:,}" for action, count in sorted(judged.actions.items())) or "none"
    _say(f"{judged.statements:,} statements can be imported ({told}); {len(judged.faulty):,} rows are faulty.", "bold")
    for fault, count, first in judged.faults(_MOST_SHOWN):
        _say(f"  {count:,} × {fault} (first in row {first:,})")


def _say(line: str, style: str = "") -> None:
    make_console().print(Text(line, style), soft_wrap=True)
