"""What the log keeps of Twilio's lists, whichever list it is: `sync` it, and tell of it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer
from rich.text import Text

from services.cli.attended import attend
from services.cli.console import make_console
from services.operations.calling import TwilioError
from services.operations.synced import Compared, Left, Synced, Unread, Wanted, known
from services.operations.synced import sync as synced
from services.runtime.config import load

T = TypeVar("T")

Empty = Annotated[bool, typer.Option("--allow-empty", help="Believe a list of nothing, where there was one before.")]
Rehearsed = Annotated[bool, typer.Option("--dry-run", help="Show what is news, and write nothing.")]


def sync(of: Synced[Any], asked: tuple[str | None, bool, bool], tell: Callable[[Compared], None]) -> None:
    """Compare and write, tenant by tenant, and tell each when it is written.

    A list that cannot be read is told at the end, and the exit code is 2.

    `asked`: the tenant, --allow-empty, --dry-run.
    """
    tenant, allow_empty, dry_run = asked
    written: list[str] = []

    async def work() -> None:
        unread = list[Unread]()
        async for one in synced(load(), of, Wanted(tenant, allow_empty, dry_run)):
            match one:
                case Compared():
                    tell(one)
                    if one.changes and not dry_run:
                        written.append(one.tenant)
                case Unread():
                    unread.append(one)
                case Left():
                    _tell_left(one, of)
        if not dry_run:
            make_console().print(Text(f"written to {of.topic.name}" if written else "nothing to write"))
        if unread:
            raise TwilioError("\n".join(f"{one.tenant}: {one.why}" for one in unread))

    attend(
        work,
        lambda: f"Written: what is news of {', '.join(written)}." if written else "Nothing was changed.",
        "Stopped; what is not written yet is found by the next run.",
    )


async def stated(of: Synced[Any], tenant: str | None) -> list[Any]:
    """All that the log knows, of one tenant or of all."""
    found = await known(load().kafka, of)
    return [one for name, facts in found.items() if tenant in (None, name) for one in facts.values()]


def look(find: Callable[[], Awaitable[Sequence[T]]], tell: Callable[[Sequence[T]], None], missing: str) -> None:
    """Tell what is found, or say that it is missing, and exit with 1."""
    found: list[T] = []

    async def work() -> None:
        found.extend(await find())
        if found:
            tell(found)
        else:
            make_console().print(Text(missing))

    attend(work, lambda: "", "Stopped.")
    if not found:
        raise typer.Exit(1)


def _tell_left(one: Left, of: Synced[Any]) -> None:
    said = (
        f"{one.tenant}: no tenant of these settings, and the log holds {one.facts} of it ({of.called}s); if it is "
        f"gone, `switchboard {of.name} sync --tenant {one.tenant} --allow-empty` ends them"
    )
    make_console().print(Text(said, "yellow"), soft_wrap=True)
