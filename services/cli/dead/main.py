"""`switchboard dead`: list, show, retry, drop, release."""

import sys
from collections.abc import Set
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.cli.attended import attend
from services.cli.bars import Bars
from services.cli.console import make_console
from services.cli.dead.report import Overview, describe
from services.cli.times import Time
from services.contract.letters import Position
from services.operations.dead.asked import Filters, ask_for
from services.operations.dead.dealing import Dealt, Wish, deal
from services.operations.dead.errors import DeadError
from services.operations.dead.letters import position
from services.operations.dead.reading import Found, find, find_one
from services.operations.dead.releasing import release as release_holds
from services.operations.dead.releasing import sort, standing_holds
from services.operations.producing import signed_anew
from services.operations.whose import key_of
from services.runtime.config import Settings, load

app = typer.Typer(
    help="What could not be folded: list, show, retry, drop, release.",
    no_args_is_help=True,
)

_PLAIN_WIDTH = 400
_NAMED = 5
_STOPPED = "Stopped. A second run knows what is done."

Letters = Annotated[list[str] | None, typer.Argument(metavar="[LETTER]…", help="As `dead list` names them.")]
TopicName = Annotated[str | None, typer.Option("--topic", help="Only of this topic.")]
Reason = Annotated[str | None, typer.Option(help="Only of this reason: undecodable, unfoldable, anothers, defect, …")]
Key = Annotated[str | None, typer.Option(help="Only with this key.")]
Contact = Annotated[str | None, typer.Option(help="Only of this person: an address or a contact key.")]
Tenant = Annotated[str | None, typer.Option(help="Whose contact; not needed where there is one tenant.")]
Again = Annotated[bool, typer.Option("--again", help="Also those that were dealt with before.")]
All = Annotated[bool, typer.Option("--all", help="Every letter, where neither letters nor filters are given.")]
Apply = Annotated[bool, typer.Option("--apply", help="Do it; else it is only shown.")]


@app.command("list")
def show_all(
    topic: TopicName = None,
    reason: Reason = None,
    since: Time = None,
    until: Time = None,
    key: Key = None,
    contact: Contact = None,
    tenant: Tenant = None,
    newest: Annotated[int, typer.Option(min=0, max=1000, help="How many to show.")] = 10,
    handled: Annotated[bool, typer.Option("--handled", help="Show those too that were dealt with.")] = False,
) -> None:
    """Count letters by topic and reason, and show the newest that nobody has dealt with. Times: when put aside."""

    async def work() -> None:
        settings = load()
        asked = ask_for((), Filters(topic, reason, since, until, key, await _contact(settings, tenant, contact)))
        overview, bars = Overview(newest, handled), Bars()
        with bars.progress:
            async with aclosing(find(settings.kafka, asked, bars.show)) as found:
                async for letters in found:
                    overview.add(letters)
        if not overview.letters:
            _say("No dead letters.")
            return
        _show(overview.counts())
        _show(overview.newest())

    attend(work, str, _STOPPED)


@app.command("show")
def show(
    letter: str,
    raw: Annotated[Path | None, typer.Option(help="Write its exact bytes to this file; - is stdout.")] = None,
) -> None:
    """Show one letter: why, whence, and the shape of its bytes. With --raw, give the bytes, unmasked. Exit 1: none."""

    async def work() -> None:
        name, bars = position(letter), Bars()
        with bars.progress:
            found = await find_one(load().kafka, name, bars.show)
        if found is None:
            _say(_no_letter({name}))
            raise typer.Exit(1)
        if raw is None:
            _show(describe(found))
        else:
            _write(found, raw)

    attend(work, str, _STOPPED)


@app.command("retry")
def retry(
    letters: Letters = None,
    topic: TopicName = None,
    reason: Reason = None,
    since: Time = None,
    until: Time = None,
    key: Key = None,
    contact: Contact = None,
    tenant: Tenant = None,
    value: Annotated[Path | None, typer.Option(help="Mended bytes for the one letter that is named.")] = None,
    again: Again = False,
    every: All = False,
    apply: Apply = False,
) -> None:
    """Write the records to their topics again: same key, bytes and headers, so that the same facts have the same ids.
    Mended bytes are signed anew, where their tenant has producer_keys.

    What could not be folded for a reason that still stands becomes a letter again. A letter is retried once. Whoever is
    held for it is released; what was said in it is heard before anything is sent to them.
    """
    dealt = Dealt()

    async def work() -> None:
        settings = load()
        asked = ask_for(
            letters or (), Filters(topic, reason, since, until, key, await _contact(settings, tenant, contact))
        )
        if value is not None and len(asked.names) != 1:
            raise DeadError("--value holds the bytes of one record: name its letter")
        mended = _read(value) if value is not None else None
        wish = Wish(asked, "retried", again, every, value=mended, headers=partial(signed_anew, settings))
        await _deal(settings, wish, apply, dealt)

    attend(work, lambda: _so_far(dealt, "retried", apply), _STOPPED)


@app.command("drop")
def drop(
    letters: Letters = None,
    topic: TopicName = None,
    reason: Reason = None,
    since: Time = None,
    until: Time = None,
    key: Key = None,
    contact: Contact = None,
    tenant: Tenant = None,
    note: Annotated[str | None, typer.Option(help="Why; stands on the log. No addresses, no texts.")] = None,
    every: All = False,
    apply: Apply = False,
) -> None:
    """Say that letters are dealt with. They stay on the log as long as they would, and are no longer shown as open.

    Whoever is held for one is released: somebody has looked, and it was no STOP, or the STOP is recorded otherwise.
    """
    dealt = Dealt()

    async def work() -> None:
        settings = load()
        asked = ask_for(
            letters or (), Filters(topic, reason, since, until, key, await _contact(settings, tenant, contact))
        )
        await _deal(settings, Wish(asked, "dropped", every=every, note=note), apply, dealt)

    attend(work, lambda: _so_far(dealt, "dropped", apply), _STOPPED)


@app.command("release")
def release(
    contact: Annotated[str, typer.Argument(help="An address or a contact key.")],
    tenant: Tenant = None,
    url: Annotated[str | None, typer.Option(help="Any processor's URL; default: as configured.")] = None,
    apply: Apply = False,
) -> None:
    """Release a contact's holds whose letters are gone. Those with a letter are released by its retry or drop."""

    async def work() -> None:
        settings = load()
        key = await key_of(settings, tenant, contact)
        standing, bars = standing_holds(url or settings.processor.url, key), Bars()
        with bars.progress:
            free, behind = await sort(settings.kafka, key, standing, bars.show)
        for hold, letters in sorted(behind.items()):
            _say(f"{hold} stays: retry or drop its letter first ({len(letters):,}: {', '.join(letters[:_NAMED])})")
        for one in free:
            _say(f"{one.hold}{' and those before it' if one.earlier else ''}, held since {one.at}")
        if apply and free:
            await release_holds(settings.kafka, key, free)
        _say(f"{len(free):,} {'released' if apply else 'would be released. Nothing was written; --apply does it'}.")

    attend(work, str, _STOPPED)


async def _deal(settings: Settings, wish: Wish, apply: bool, dealt: Dealt) -> None:
    bars = Bars()
    with bars.progress:
        await deal(settings.kafka, wish, apply, dealt, bars.show)
    for (topic, reason), count in sorted(dealt.done.items()):
        _say(f"{topic}  {reason}  {count:,}")
    if dealt.missing:
        raise DeadError(_no_letter(dealt.missing))
    refused = dealt.refusals()
    if refused and wish.asked.names:
        raise DeadError("\n".join(refused))
    for sentence in refused:
        _say(sentence)
    if apply:
        _say(f"{dealt.count:,} {wish.how}.")
    elif dealt.count:
        _say(f"{dealt.count:,} would be {wish.how}. Nothing was written; --apply does it.")
    else:
        _say(f"Nothing is to be {wish.how}.")


async def _contact(settings: Settings, tenant: str | None, address: str | None) -> str | None:
    return None if address is None else await key_of(settings, tenant, address)


def _no_letter(names: Set[Position]) -> str:
    return f"no dead letter {', '.join(sorted(map(str, names)))}; `dead list` shows those there are"


def _so_far(dealt: Dealt, how: str, apply: bool) -> str:
    return f"{dealt.count:,} were {how} before that." if apply and dealt.count else ""


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DeadError(f"--value {file}: {error.strerror}") from error


def _write(found: Found, file: Path) -> None:
    value = found.letter.value
    if value is None:
        raise DeadError(f"{found.letter.name} has no value: it is a tombstone")
    if str(file) == "-":
        sys.stdout.buffer.write(value)
        sys.stdout.buffer.flush()
        return
    try:
        file.write_bytes(value)
    except OSError as error:
        raise DeadError(f"--raw {file}: {error.strerror}") from error


def _say(line: str) -> None:
    make_console().print(Text(line), soft_wrap=True)


def _show(table: Table) -> None:
    console = make_console()
    if not console.is_terminal:
        # Where nobody looks, lines may be as long as they are.
        console.width = _PLAIN_WIDTH
    console.print(table, crop=False)
