"""`switchboard studio export|diff|validate|publish|rollback|watch|unwatch`: flows as files, and which are read."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.cli.attended import attend
from services.cli.changes import (
    By,
    Digest,
    Tenant,
    Yes,
    allowed,
    asker,
    chosen,
    known,
    show_changes,
    show_done,
    went_wrong,
)
from services.cli.console import make_console
from services.cli.plain import plain
from services.operations.calling import Account, each_account
from services.operations.changing import Done, carry_out
from services.operations.studio.files import Definition, differing, read, written
from services.operations.studio.publishing import FlowHands, planned
from services.operations.studio.reading import LATEST, LATEST_PUBLISHED, Flow, faults, flow, sids
from services.operations.studio.watching import say, statement
from services.runtime.config import Settings, load
from services.runtime.masking import unsteered
from services.runtime.section import ConfigError

app = typer.Typer(
    no_args_is_help=True, help="Keep Studio's flows as files, publish them, hear what people say in them."
)

FlowSid = Annotated[str, typer.Argument(help="The flow: FW….", show_default=False)]
File = Annotated[Path, typer.Argument(help="The definition.", show_default=False)]
Revision = Annotated[str, typer.Option(help=f"A number, {LATEST} or {LATEST_PUBLISHED}.")]
Message = Annotated[str | None, typer.Option(help="The revision's commit message; default: `from FILE`.")]
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@app.command("export")
def export(
    sid: Annotated[str | None, typer.Argument(help="The flow: FW…; default: every one.")] = None,
    to: Annotated[Path, typer.Option(help="The folder for {flow}.json.")] = Path(),
    revision: Revision = LATEST,
    tenant: Tenant = None,
) -> None:
    """Write definitions to files, one each. Changes nothing at Twilio."""
    files: list[Path] = []

    async def work() -> None:
        accounts = _accounts(load(), tenant)
        found = await asyncio.to_thread(_read, accounts, sid, revision)
        to.mkdir(parents=True, exist_ok=True)
        for one in found:
            path = to / f"{one.sid}.json"
            path.write_text(written(one.definition), encoding="utf-8")
            files.append(path)
            make_console().print(plain(f"{path}: {one.name}, revision {one.revision} ({one.status})"), soft_wrap=True)

    attend(work, lambda: f"{len(files)} were written." if files else "", "Stopped.")


@app.command("diff")
def diff(sid: FlowSid, file: File, revision: Revision = LATEST, tenant: Tenant = None) -> None:
    """Show what publishing the file would change. Exit code: 0 nothing, 1 something, 2 impossible."""
    lines: list[str] = []

    async def work() -> None:
        ours = read(file)
        theirs = await asyncio.to_thread(flow, _accounts(load(), tenant), sid, revision)
        names = (f"{sid} revision {theirs.revision} ({theirs.status})", str(file))
        lines.extend(differing(ours, theirs.definition, names))
        for line in lines:
            text = plain(line)
            text.stylize(_STYLES.get(line[:1], ""))
            make_console().print(text, soft_wrap=True)

    attend(work, lambda: "", "Stopped.")
    if lines:
        raise typer.Exit(1)


@app.command("validate")
def validate(file: File, tenant: Tenant = None) -> None:
    """Ask Twilio whether the file could be published. Exit code: 0 yes, 1 no, 2 impossible."""
    found: list[str] = []

    async def work() -> None:
        definition = written(read(file))
        account = _accounts(load(), tenant)[0]
        found.extend(await asyncio.to_thread(faults, account, file.stem, definition))
        for one in found:
            make_console().print(plain(one), style="red", soft_wrap=True)

    attend(work, lambda: "", "Stopped.")
    if found:
        raise typer.Exit(1)


@app.command("publish")
def publish(
    sid: FlowSid,
    file: File,
    draft: Annotated[bool, typer.Option("--draft", help="For test users alone.")] = False,
    message: Message = None,
    tenant: Tenant = None,
    plan_digest: Digest = None,
    yes: Yes = False,
    by: By = None,
) -> None:
    """Make the file the flow's latest revision; who is in the flow stays in the one they began with.

    Exit code: 0 it is so, 1 it is not, 2 impossible.
    """

    def wanted(_: Sequence[Account]) -> tuple[Definition, str]:
        return read(file), message or f"from {file.name}"

    _change(sid, tenant, wanted, draft, plan_digest, yes, by)


@app.command("rollback")
def rollback(
    sid: FlowSid,
    revision: Annotated[int, typer.Argument(help="Its number.", min=1, show_default=False)],
    message: Annotated[str | None, typer.Option(help="The commit message; default: `back to revision N`.")] = None,
    tenant: Tenant = None,
    plan_digest: Digest = None,
    yes: Yes = False,
    by: By = None,
) -> None:
    """Publish anew what an older revision says. Exit code: 0 it is so, 1 it is not, 2 impossible."""

    def wanted(accounts: Sequence[Account]) -> tuple[Definition, str]:
        return flow(accounts, sid, str(revision)).definition, message or f"back to revision {revision}"

    _change(sid, tenant, wanted, False, plan_digest, yes, by)


@app.command("watch")
def watch(sid: FlowSid, tenant: Tenant = None, by: By = None) -> None:
    """Read the flow's executions from now on, so that what people say in it is heard: a STOP above all."""

    async def work() -> None:
        settings = load()
        found = await asyncio.to_thread(flow, _accounts(settings, tenant), sid)
        said = statement(found.account.tenant, found.account.sid, sid, True, asker(by, None).actor)
        await say(settings.kafka, said)
        make_console().print(plain(f"{sid} ({found.name}) is watched, for {said.tenant}"))

    attend(work, lambda: "", "Stopped; nothing was said.")


@app.command("unwatch")
def unwatch(sid: FlowSid, tenant: Annotated[str, typer.Option(help="Whose flow it is.")], by: By = None) -> None:
    """Read its executions no more, but for those that were seen. Say so once no number leads to it any more."""

    async def work() -> None:
        settings = load()
        account = _accounts(settings, tenant)[0]
        await say(settings.kafka, statement(tenant, account.sid, sid, False, asker(by, None).actor))
        make_console().print(plain(f"{sid} is watched no more, for {tenant}"))

    attend(work, lambda: "", "Stopped; nothing was said.")


def _change(
    sid: str,
    tenant: str | None,
    wanted: Callable[[Sequence[Account]], tuple[Definition, str]],
    draft: bool,
    plan_digest: str | None,
    yes: bool,
    by: str | None,
) -> None:
    """Show what would change, and do it. `wanted`: the definition and the commit message."""
    done: list[Done] = []

    async def work() -> None:
        settings = load()
        accounts = _accounts(settings, tenant)
        definition, message = await asyncio.to_thread(wanted, accounts)
        now = await asyncio.to_thread(flow, accounts, sid)
        changes = planned(now, definition, draft, message)
        show_changes(make_console(), changes, True)
        if (
            changes
            and not draft
            and (found := await asyncio.to_thread(faults, now.account, now.name, written(definition)))
        ):
            raise ConfigError("Twilio would not publish it; nothing was changed:\n" + "\n".join(map(unsteered, found)))
        allowed(changes, plan_digest, yes)
        hands = FlowHands(now.account, definition)
        done.extend(await carry_out(settings.kafka, changes, hands, asker(by, message), show_done(True)))

    attend(work, lambda: "", "Stopped; `switchboard studio diff` says what is so.")
    if went_wrong(done):
        raise typer.Exit(1)


def _accounts(settings: Settings, tenant: str | None) -> list[Account]:
    return each_account(chosen(known(settings), tenant), settings.twilio)


def _read(accounts: Sequence[Account], sid: str | None, revision: str) -> list[Flow]:
    if sid is not None:
        return [flow(accounts, sid, revision)]
    return [flow([account], each, revision) for account in accounts for each in sids(account)]
