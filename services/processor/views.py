"""Rows of the tables as people want them, with addresses masked or not. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from services.domain.consent import holds
from services.domain.consent.dating import doubts
from services.domain.consent.standing import Standing, suppressed, suspected
from services.domain.errors import explain
from services.domain.messages.ladder import Delivery
from services.domain.messages.number import Number, in_order, unreachable
from services.domain.messages.recent import Recent
from services.domain.messages.timeline import Timeline, ambiguous
from services.domain.messages.windows import Sessions, open_windows
from services.domain.outbox.pauses import EVERYTHING, Pauses
from services.domain.reachability import RestRule
from services.domain.results import CommandResult
from services.domain.senders.directory import Directory
from services.domain.senders.reach import also_stopped
from services.domain.studio.executions import Execution
from services.runtime.masking import mask, scrub


def message(rows: Sequence[Delivery], masked: bool, tenant: str | None = None) -> dict[str, object] | None:
    """A message as one tenant knows it, the row with what is read off it; where none is named, as its sender does."""
    known = [row for row in rows if tenant in (None, row.tenant)]
    # Who created it, or signed its callback, is the best witness.
    row = min(known, key=lambda row: (-max(row.witness), row.tenant), default=None)
    if row is None:
        return None
    info = explain(row.error_code) if row.error_code else None
    return {
        "message_sid": row.message_sid,
        "tenant": row.tenant,
        "status": row.status,
        "final": row.final,
        "error_code": row.error_code,
        "error_category": info.category if info else None,
        "remedy": info.remedy if info else None,
        "contact": row.contact,
        "command_id": row.command_id,
        "from": mask(row.from_) if masked else row.from_,
        "to": mask(row.to) if masked else row.to,
        "segments": row.segments,
        "steps": {
            status: {"at": step.at, "error_code": step.error.code if step.error else None}
            for status, step in sorted(row.steps.items(), key=lambda item: item[1].at)
        },
    }


def command(row: Timeline | None, masked: bool) -> dict[str, object] | None:
    """A command's steps, in order. A reason may quote an address."""
    if row is None:
        return None
    steps = [_masked(step) for step in row.ordered] if masked else row.ordered
    return {"tenant": row.tenant, "command_id": row.command_id, "steps": steps}


def _masked(step: CommandResult) -> CommandResult:
    return replace(
        step,
        reason=None if step.reason is None else scrub(step.reason),
        errors=[scrub(error) for error in step.errors],
    )


def contact(
    rows: Mapping[str, Any], now: str, directory: Directory, rules: Mapping[str, RestRule]
) -> dict[str, object] | None:
    """A person: may we write, on what evidence, which windows are open, can they be reached, what was said last.

    `also_stopped`: by scope, the senders in a Messaging Service with its own, for which it holds too.
    """
    standing: Standing | None = rows["suppression"]
    sessions: Sessions | None = rows["sessions"]
    recent: Recent | None = rows["recent"]
    number: Number | None = rows["numbers"]
    found = next((row for row in (standing, sessions, recent, number) if row is not None), None)
    if found is None:
        return None
    stopped = suppressed(standing)
    return {
        "contact": found.contact,
        "suppressed": stopped,
        "holds": [one._asdict() for one in holds.standing(standing.holds)] if standing else [],
        "also_stopped": {scope: others for scope in stopped if (others := also_stopped(scope, directory))},
        "opt_outs": standing.outs if standing else {},
        "opt_ins": standing.ins if standing else {},
        # A START so near to a STOP that Twilio's dates are fetched; until then the person is left alone.
        "awaiting_dates": [doubt._asdict() for doubt in doubts(standing)],
        "suspected": suspected(standing),
        "linked": standing.links if standing else (),
        # A window that is over stays until its timer has told it.
        "windows": {sender: until for sender, until in open_windows(sessions).items() if until > now},
        "unreachable": {channel: one for channel, one in unreachable(number, rules).items() if one.until > now},
        "failures": in_order(number) if number else [],
        "line": number.line if number else None,
        # The end of the last day on which a carrier took the number back: no yes from before counts.
        "deactivated_at": (standing.deactivated if standing else "") or (number.deactivated if number else "") or None,
        "recent": list(recent.lines.values()) if recent else [],
    }


def execution(rows: Sequence[Execution], masked: bool, tenant: str | None = None) -> dict[str, object] | None:
    """An execution of a flow as one tenant knows it: who walks through it, since when, by which steps."""
    known = sorted((row for row in rows if tenant in (None, row.tenant) and row.shown), key=lambda row: row.tenant)
    row = next(iter(known), None)
    if row is None or row.shown is None:
        return None
    seen = row.shown
    return {
        "execution_sid": row.execution_sid,
        "tenant": row.tenant,
        "flow_sid": seen.flow_sid,
        "flow_version": seen.flow_version,
        "status": seen.status,
        "contact": seen.contact,
        "to": mask(seen.to) if masked else seen.to,
        "initiated_by": seen.initiated_by,
        "started_at": seen.started_at,
        "ended_at": seen.updated_at if row.ended else None,
        "stopped_by": row.stopped_by,
        "steps": row.ordered,
    }


def pauses(row: Pauses | None, tenant: str | None, masked: bool) -> dict[str, object] | None:
    """What is paused, with who said so and why: what holds this tenant, or all of it."""
    if row is None:
        return None
    found = [one for one in row.standing.values() if tenant is None or _holds(one.scope, tenant)]
    return {"pauses": [replace(one, note=scrub(one.note)) if masked and one.note else one for one in found]}


def _holds(scope: str, tenant: str) -> bool:
    return scope == EVERYTHING or scope.split(" ")[1] == tenant


def doubtful(row: Timeline, masked: bool) -> list[dict[str, object]]:
    """The steps of commands whose end is not known."""
    found = {step.contact: step for step in ambiguous(row)}
    names = ("command_id", "tenant", "contact", "at", "reason")
    steps = [_masked(step) if masked else step for step in found.values()]
    return [{name: getattr(step, name) for name in names} for step in steps]
