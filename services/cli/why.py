"""`switchboard why COMMAND`: what each verdict on a command was made of, and whether the gate still says so."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from services.cli.asking import ask, plain
from services.domain.messages.gate import Question, Receipt, Verdict, decide
from services.runtime.config import load

_DECIDED = {"attempted": "allow", "blocked": "blocked", "expired": "expired"}


def why(
    command_id: Annotated[str, typer.Argument(metavar="COMMAND", help="A command id.")],
    url: Annotated[str | None, typer.Option(help="Any processor's URL; default: as configured.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose command, where several used the id.")] = None,
) -> None:
    """Show what the gate saw when it decided, and judge again by it. Exit 1 when the verdict differs."""
    found = ask(url or load().processor.url, "commands", command_id, tenant=tenant)
    console = Console()
    decided = [step for step in found["steps"] if step["step"] in _DECIDED] if found else []
    if not decided:
        console.print(plain(f"Nothing was decided about {command_id}: no such command, or it was never judged."))
        raise typer.Exit(1)
    # Each is shown, also after one that differs.
    agreed = [_show(console, step) for step in decided]
    if not all(agreed):
        raise typer.Exit(1)


def _show(console: Console, step: dict[str, Any]) -> bool:
    """Show one verdict; False when the gate, asked again, says otherwise."""
    title = f"{step['at']}  {step['tenant']}  {step['step']}" + (f": {step['reason']}" if step["reason"] else "")
    if step.get("receipt") is None:
        console.print(plain(f"{title}\n  by its timer alone: nothing but the time was looked at"))
        return True
    try:
        receipt = msgspec.convert(step["receipt"], Receipt)
    except msgspec.ValidationError as error:
        console.print(plain(f"{title}\n  its receipt was written by another version, and cannot be read: {error}"))
        return False
    again = decide(receipt.question, receipt.view)
    table = Table(title=plain(title), title_justify="left", show_header=False)
    for name, value in _words(receipt):
        table.add_row(name, plain(value))
    table.add_row("asked again", plain(_verdict(again)))
    console.print(table)
    same = again.decision == _DECIDED[step["step"]] and again.rule == step["category"]
    if not same:
        console.print(plain("The gate says otherwise now: this version judges by other rules, or the log was altered."))
    return same


def _words(receipt: Receipt) -> Iterator[tuple[str, str]]:
    question, view = receipt.question, receipt.view
    yield "asked at", view.now
    yield "message", _message(question)
    yield "not after", question.not_after
    if not view.tenant_known:
        yield "tenant", "is not configured"
        return
    yield "sender", f"{question.sender} ({'allowed' if view.sender_allowed else 'not allowed'})"
    told = [
        f"{scope} since {one.since}, {one.source}, evidence {one.evidence}" for scope, one in view.suppressed.items()
    ]
    yield "opted out", "; ".join(told) or "no"
    yield (
        "consent",
        f"given {view.consent_at}, evidence {view.consent_evidence}" if view.consent_at else "none recorded",
    )
    if question.channel == "whatsapp":
        yield "24-hour window", f"until {view.window_until}" if view.window_until else "none"
    rules = view.rules
    days = f" of the last {rules.consent_days:g} days" if rules.consent_days else ""
    yield "rules", f"{rules.version}: a STOP reaches the {rules.stop_reaches}; consent{days} for {rules.consent_for}"
    yield "log read up to", ", ".join(f"{topic}@{offset}" for topic, offset in receipt.offsets.items())


def _message(question: Question) -> str:
    kind = "template" if question.template else "freeform"
    country = f" to {question.country}" if question.country else ""
    return f"{question.channel} {kind}{country}" + (f", confirms a {question.confirms}" if question.confirms else "")


def _verdict(verdict: Verdict) -> str:
    return verdict.decision if verdict.rule is None else f"{verdict.decision}: {verdict.reason}"
