"""`switchboard consent import`: shown, and with --apply produced as public consent commands."""

from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import typer
from rich.text import Text

from services.cli.attended import attend
from services.cli.bars import Bars
from services.cli.consent_import.errors import ImportFileError
from services.cli.consent_import.statements import FIELDS, Asked, Faulty, Statement, read
from services.cli.consent_import.table import TableFile
from services.cli.console import make_console
from services.cli.producing import Speaker
from services.cli.whose import recognised
from services.contract.partition import partition_of
from services.contract.topics import CONSENT_COMMANDS
from services.operations.log import check, heed_stop
from services.operations.writing import FactWriter, Outgoing
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings, load
from services.runtime.tenants.opening import tenants_of

app = typer.Typer(help="Consent that is recorded elsewhere.", no_args_is_help=True)

_TOGETHER = 1000
_MOST_SHOWN = 10


class _Plan(NamedTuple):
    """What is asked for of which file. `after`: rows up to this number were imported before."""

    file: TableFile
    asked: Asked
    after: int
    skip_faulty: bool


class _Work:
    """One run, and how far it came."""

    def __init__(self, settings: Settings, plan: _Plan) -> None:
        self._settings = settings
        self._speaker = Speaker(settings, plan.asked.tenant)
        self._topic = self._speaker.topic(CONSENT_COMMANDS)
        self._plan = plan
        self._console = make_console()
        self._faults: Counter[str] = Counter()
        self._faulty: list[Faulty] = []
        self._written = 0
        self._reached = plan.after

    async def run(self, apply: bool) -> None:
        """Judge every row, show, and produce if asked to. Raises ConfigError with a sentence for what is in the way."""
        actions = self._look()
        total = sum(actions.values())
        told = ", ".join(f"{action} {count:,}" for action, count in sorted(actions.items())) or "none"
        self.say(f"{total:,} statements can be imported ({told}); {len(self._faulty):,} rows are faulty.", "bold")
        self._tell_faults()
        if self._faulty and not self._plan.skip_faulty:
            raise ImportFileError("Nothing was written. Correct the file, or leave such rows out with --skip-faulty")
        if not apply:
            self.say("Nothing was written. Run it with --apply to import them.")
            return
        await check(self._settings.kafka, [self._topic])
        await self._write(total)
        self.say(
            f"{self._written:,} statements were produced to {self._topic}; each is answered `recorded` "
            "on the results topic."
        )

    def so_far(self) -> str:
        if not self._written:
            return ""
        return f"Rows up to {self._reached:,} are imported; go on with --after {self._reached}. Twice is no harm."

    def say(self, line: str, style: str = "") -> None:
        self._console.print(Text(line, style), soft_wrap=True)

    def _look(self) -> Counter[str]:
        bars, actions = Bars(), Counter[str]()
        total = self._plan.file.count()
        with bars.progress:
            for count, one in enumerate(self._judged(), start=1):
                if isinstance(one, Faulty):
                    self._faults.update(one.faults)
                    self._faulty.append(one)
                else:
                    actions[one.command.action] += 1
                if count % _TOGETHER == 0:
                    bars.show("rows judged", count, total)
                    heed_stop()
        return actions

    def _judged(self) -> Iterator[Statement | Faulty]:
        rows = (row for row in self._plan.file.rows() if row.number > self._plan.after)
        return (read(row, self._plan.asked) for row in rows)

    def _tell_faults(self) -> None:
        for fault, count in self._faults.most_common(_MOST_SHOWN):
            first = next(one.number for one in self._faulty if fault in one.faults)
            self.say(f"  {count:,} × {fault} (first in row {first:,})")

    async def _write(self, total: int) -> None:
        bars = Bars()

        def acknowledged() -> None:
            self._written += 1

        statements = (one for one in self._judged() if isinstance(one, Statement))
        with bars.progress:
            async with FactWriter(self._settings.kafka) as writer:
                while some := list(islice(statements, _TOGETHER)):
                    await writer.write([self._outgoing(one) for one in some], acknowledged)
                    self._reached = some[-1].number
                    bars.show("imported", self._written, total)

    def _outgoing(self, one: Statement) -> Outgoing:
        # One person's statements keep their order, in the file and after it.
        key = one.accepted.contact.encode()
        partition = partition_of(key, self._settings.kafka.partitions)
        value = msgspec.json.encode(msgspec.to_builtins(one.command))
        return Outgoing(self._topic, partition, key, value, self._speaker.headers(self._topic, value))


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
    skip_faulty: Annotated[bool, typer.Option("--skip-faulty", help="Leave faulty rows out.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Import; else it is only shown.")] = False,
) -> None:
    """Import opt-outs and opt-ins of the system that is retired, with their evidence.

    The same row is the same statement: a second run, or one that goes on, records nothing twice.
    """
    works: list[_Work] = []

    async def work() -> None:
        settings = load()
        if settings.clock_skew_file is not None:
            CLOCK.follow(settings.clock_skew_file)
        tenants = tenants_of(settings)
        if tenant not in tenants:
            raise ImportFileError(f"no tenant {tenant!r}; the settings know: {', '.join(tenants) or 'none'}")
        opened = TableFile(file, delimiter)
        asked = Asked(
            tenant=tenant,
            contact_secret=await recognised(settings.kafka, tenant, tenants[tenant]),
            columns=_columns(opened, column or []),
            now=now(),
            action=action,
            source=source,
            region=region,
            zone=_zone(timezone),
        )
        works.append(_Work(settings, _Plan(opened, asked, after, skip_faulty)))
        await works[0].run(apply)

    attend(work, lambda: works[0].so_far() if works else "", "Stopped.")


def _columns(file: TableFile, named: list[str]) -> dict[str, str]:
    """Field → column. Raises ImportFileError."""
    found = file.columns
    columns = {field: field for field in FIELDS if field in found}
    for one in named:
        field, _, name = one.partition("=")
        if field not in FIELDS:
            raise ImportFileError(f"--column {one}: write FIELD=NAME; the fields are {', '.join(FIELDS)}")
        if name not in found:
            raise ImportFileError(f"--column {one}: there is no such column; there are: {', '.join(found) or 'none'}")
        columns[field] = name
    if "address" not in columns:
        raise ImportFileError(
            f"no column `address`; there are: {', '.join(found) or 'none'}. Name it: --column 'address=NAME'"
        )
    return columns


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ImportFileError(f"--timezone {name}: no such zone; write it such as Europe/Berlin or UTC") from error
