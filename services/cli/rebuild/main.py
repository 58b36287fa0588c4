"""`switchboard rebuild`: a table folded again from the log, compared with the live one, and with --apply mended."""

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from services.cli.bars import Bars
from services.cli.console import make_console
from services.cli.rebuild.plan import Service, plan
from services.cli.rebuild.report import counts, differences, summary, table
from services.cli.rebuild.work import Wish, Work
from services.contract.codec import NewerFormat
from services.operations.log import check, heed_stop, readable
from services.runtime.clock import CLOCK
from services.runtime.config import Settings, load
from services.runtime.section import ConfigError

_DIFFERS = 1
_IMPOSSIBLE = 2
_INTERRUPTED = 130
_PLAIN_WIDTH = 200


class _Run:
    """The command's run: the work, and what is said of it."""

    def __init__(self, settings: Settings, name: str, service: Service, wish: Wish) -> None:
        if settings.clock_skew_file is not None:
            CLOCK.follow(settings.clock_skew_file)
        self._settings = settings
        self._plan = plan(settings, name, service)
        self._wish = wish
        self._console = make_console()
        self.work = Work(settings.kafka, self._plan, wish)

    async def run(self) -> None:
        """Raises ConfigError with a sentence for whatever is in the way."""
        await check(self._settings.kafka, [*(topic.name for topic in self._plan.shadow.sources), self._plan.changelog])
        bars = Bars()
        with bars.progress, readable(self._settings.kafka):
            await self.work.run(bars.show)
        heed_stop()

    @property
    def differs(self) -> bool:
        """Is there a difference left?"""
        return self.work.published < sum(len(one.differing) for one in self.work.found)

    @property
    def undecided(self) -> bool:
        """Are there rows of which it cannot be told?"""
        return any(one.undecided for one in self.work.found)

    def tell(self) -> None:
        """For people: what was compared, what differs, what was done."""
        found = self.work.found
        self.say(f"{self._plan.table.name} of the {self._plan.service}, from {self.work.records:,} records of the log:")
        self.say(summary(found), "bold")
        if any(one.differing for one in found):
            # Where nobody looks, lines may be as long as they are.
            width = None if self._console.is_terminal else _PLAIN_WIDTH
            self._console.print(table(found), width=width, crop=False)
        for line in self._remarks():
            self.say(line)

    def _remarks(self) -> list[str]:
        found = self.work.found
        lines = []
        if self.work.cut:
            lines.append(
                "Retention has cut the log. What rows hold from before was taken as it stands: a --snapshot would tell."
            )
        if self.undecided:
            lines.append(
                f"Not decided: rows that the log tells more of than the {self._plan.service} has folded; ask again."
            )
        if self._wish.apply:
            lines.append(f"{self.work.published:,} rows were published. Nobody was written to.")
        elif any(one.differing for one in found):
            lines.append("Nothing was written. Run it with --apply to publish the differences.")
        if self.work.saved is not None:
            lines.append(
                f"{self.work.saved:,} rows were saved to {self._wish.save}, which may hold addresses: only you can "
                "read it."
            )
        return lines

    def tell_json(self) -> None:
        """For programs: the same, and every difference."""
        told = {
            "table": self._plan.table.name,
            "service": self._plan.service,
            "records": self.work.records,
            "rows": {name.replace(" ", "_"): count for name, count in counts(self.work.found).items()},
            "differences": differences(self.work.found),
            "log_cut": self.work.cut,
            "published": self.work.published,
            "saved": self.work.saved,
        }
        typer.echo(msgspec.json.encode(told).decode())

    def say(self, line: str, style: str = "") -> None:
        self._console.print(Text(line, style), soft_wrap=True)

    def say_what_was_published(self) -> None:
        if self.work.published:
            Console(stderr=True, highlight=False).print(
                f"{self.work.published:,} rows were published before that; they stay, and are right."
            )


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
    # It logs each address that it cannot reach; the error says it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    run: _Run | None = None
    try:
        run = _Run(load(), name, service, Wish(apply, snapshot, save, scratch))
        asyncio.run(run.run())
    except (ConfigError, NewerFormat) as error:
        _say(run, str(error), "red")
        raise typer.Exit(_IMPOSSIBLE) from None
    except KeyboardInterrupt:
        _say(run, "Stopped. A second run finds what still differs.", "")
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        run.tell_json()
    else:
        run.tell()
    raise typer.Exit(_DIFFERS if run.differs else _IMPOSSIBLE if run.undecided else 0)


def _say(run: _Run | None, line: str, style: str) -> None:
    if run is not None:
        run.say_what_was_published()
    Console(stderr=True, highlight=False).print(Text(line), style=style, soft_wrap=True)
