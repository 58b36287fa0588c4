"""`switchboard why COMMAND`: what each verdict on a command was made of, and whether the gate still says so."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.plain import plain
from services.domain.addresses import WINDOWED
from services.domain.compliance.registry import said
from services.domain.gate.question import Question
from services.domain.gate.receipt import Receipt
from services.domain.gate.view import View
from services.domain.outbox.verdicts import Verdict
from services.operations.asking import NotFolded, ask
from services.operations.verdicts import decided, is_open, judge_again, standing_pauses
from services.operations.whose import NOTHING_KNOWN, command_key
from services.runtime.config import load


def why(
    command_id: Annotated[str, typer.Argument(metavar="COMMAND", help="A command id.")],
    url: Annotated[str | None, typer.Option(help="Any processor's URL; default: as configured.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose command; not needed where there is one tenant.")] = None,
) -> None:
    """Show what the gate saw when it decided, and judge again by it. Exit 1 when the verdict differs."""
    base = url or load().processor.url
    found = ask(base, "commands", command_key(tenant, command_id))
    console = Console()
    if found is not None and is_open(found):
        _tell_pauses(console, base, found["tenant"])
    steps = decided(found)
    if not steps:
        why = f"it did not come so far; switchboard trace {command_id} shows how far" if found else NOTHING_KNOWN
        console.print(plain(f"Nothing was decided about {command_id}: {why}."))
        raise typer.Exit(1)
    # Each is shown, also after one that differs.
    agreed = [_show(console, step) for step in steps]
    if not all(agreed):
        raise typer.Exit(1)


def _tell_pauses(console: Console, base: str, tenant: str) -> None:
    try:
        pauses = standing_pauses(base, tenant)
    except NotFolded as error:
        console.print(plain(f"What is paused now is not shown: {error}."), soft_wrap=True)
        return
    for pause in pauses:
        note = f": {pause['note']}" if pause["note"] else ""
        console.print(plain(f"paused now: {pause['scope']}, since {pause['at']}, by {pause['by']}{note}"))


def _show(console: Console, step: dict[str, Any]) -> bool:
    """Show one verdict; False when the gate, asked again, says otherwise."""
    title = f"{step['at']}  {step['tenant']}  {step['step']}" + (f": {step['reason']}" if step["reason"] else "")
    if step.get("receipt") is None:
        why = "it waits" if step["step"] == "deferred" else "by its timer alone"
        console.print(plain(f"{title}\n  {why}: nothing else was looked at"))
        return True
    if (again := judge_again(step)) is None:
        console.print(plain(f"{title}\n  its receipt was written by another version, and cannot be read"))
        return False
    table = Table(title=plain(title), title_justify="left", show_header=False)
    for name, value in _words(again.receipt):
        table.add_row(name, plain(value))
    table.add_row("asked again", plain(_verdict(again.verdict)))
    console.print(table)
    if not again.same:
        console.print(plain("The gate says otherwise now: this version judges by other rules, or the log was altered."))
    return again.same


def _words(receipt: Receipt) -> Iterator[tuple[str, str]]:
    question, view = receipt.question, receipt.view
    yield "asked at", view.now
    yield "message", _message(question)
    yield "not after", question.not_after
    if not view.tenant_known:
        yield "tenant", "was not known to the sender"
        return
    if view.tenant_closed:
        yield "tenant", "is closed"
    yield "sender", f"{question.sender} ({'allowed' if view.sender_allowed else 'not allowed'})"
    if not view.recipient_allowed:
        yield "recipient", "not among the tenant's recipients"
    if view.dry_run:
        yield "dry run", "the tenant only rehearses"
    told = [
        f"{scope} since {one.since}, {one.source}, evidence {one.evidence}" for scope, one in view.suppressed.items()
    ]
    yield "opted out", "; ".join(told) or "no"
    if view.memberships:
        through = [f"{one.sender} in {one.service} since {one.since}, {one.by}" for one in view.memberships]
        yield "… which holds by", "; ".join(through)
    if view.suspected:
        suspected = [f"{scope} since {one.since}, evidence {one.evidence}" for scope, one in view.suspected.items()]
        yield "looks like an opt-out", "; ".join(suspected)
    if view.held is not None:
        yield "held", f"since {view.held.since}: {view.held.evidence} could not be read"
    yield "known of our senders", view.senders_version or "nothing"
    yield (
        "consent",
        f"given {view.consent_at}, evidence {view.consent_evidence}" if view.consent_at else "none recorded",
    )
    if question.channel in WINDOWED:
        yield "24-hour window", _window(view)
    if question.template:
        yield "template", _template(receipt)
    if question.media:
        yield "media", _media(receipt)
    yield from _fitting(view)
    rules = view.rules
    days = f" of the last {rules.consent_days:g} days" if rules.consent_days else ""
    reaches = f"a STOP reaches the {rules.stop_reaches}; what looks like one: {rules.suspected}"
    yield "rules", f"{rules.version}: {reaches}; consent{days} for {rules.consent_for}"
    yield "log read up to", ", ".join(f"{topic}@{offset}" for topic, offset in receipt.offsets.items())


def _fitting(view: View) -> Iterator[tuple[str, str]]:
    if view.unfit is not None:
        yield "registration", f"{said(view.unfit)} (read at {view.unfit.at})"
    for concern in view.concerns:
        yield "does not fit", f"{concern.told}{' (blocks)' if concern.blocks else ''}"
    if view.appended is not None:
        yield "put to its text", view.appended


def _window(view: View) -> str:
    if view.window_refused_at:
        return f"closed: a message of {view.window_refused_at} ended with 63016"
    if view.window_until:
        return f"until {view.window_until}, at {view.window_sender}"
    return f"not known whether {', '.join(view.window_unknown)} counts" if view.window_unknown else "none"


def _template(receipt: Receipt) -> str:
    seen, goes_as = receipt.view.template, f"; goes as {receipt.goes_as}" if receipt.goes_as else ""
    if seen is None:
        return f"{receipt.question.template_name or 'its content sid'} is not known{goes_as}"
    said = f"{seen.state}, {seen.category or 'no category'}, as of {seen.version}"
    return f"{seen.name} ({seen.language}, {seen.content_sid}): {said}{goes_as}"


def _media(receipt: Receipt) -> str:
    view, link = receipt.view, "; a link goes in their place" if receipt.goes_as == "link" else ""
    if view.media_look is not None:
        return "were not found yet"
    told = (f"{one.host}: {one.fault or f'{one.type}, {one.size} bytes'}" for one in view.media)
    return ("; ".join(told) or "were not looked at") + link


def _message(question: Question) -> str:
    kind = "freeform or template" if question.freeform else "template" if question.template else "freeform"
    country = f" to {question.country}" if question.country else ""
    return f"{question.channel} {kind}{country}" + (f", confirms a {question.confirms}" if question.confirms else "")


def _verdict(verdict: Verdict) -> str:
    return verdict.decision if verdict.rule is None else f"{verdict.decision}: {verdict.reason}"
