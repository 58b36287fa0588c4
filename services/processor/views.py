"""Rows of the tables as people want them. Pure."""

from collections.abc import Mapping
from typing import Any

from services.domain.consent.suppression import Standing, suppressed
from services.domain.messages.delivery import Delivery
from services.domain.messages.errors import explain
from services.domain.messages.recent import Recent
from services.domain.messages.sessions import Sessions
from services.domain.messages.timeline import Timeline, ambiguous


def message(row: Delivery | None) -> dict[str, object] | None:
    """A message: the row, with what is read off it."""
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
        "from": row.from_,
        "to": row.to,
        "segments": row.segments,
        "steps": {status: step.at for status, step in sorted(row.steps.items(), key=lambda item: item[1].at)},
    }


def command(row: Timeline | None, tenant: str | None = None) -> dict[str, object] | None:
    """A command's steps, in order: of one tenant, or of all that used its id. None where that tenant did not."""
    steps = [step for step in row.ordered if tenant in (None, step.tenant)] if row else []
    return {"command_id": row.command_id, "steps": steps} if row and steps else None


def contact(rows: Mapping[str, Any], now: str) -> dict[str, object] | None:
    """A person: may we write, on what evidence, which windows are open, what was said last."""
    standing: Standing | None = rows["suppression"]
    sessions: Sessions | None = rows["sessions"]
    recent: Recent | None = rows["recent"]
    if standing is None and sessions is None and recent is None:
        return None
    found = next(row for row in (standing, sessions, recent) if row is not None)
    windows = sessions.windows if sessions else {}
    return {
        "contact": found.contact,
        "suppressed": suppressed(standing),
        "opt_outs": standing.outs if standing else {},
        "opt_ins": standing.ins if standing else {},
        "linked": standing.links if standing else (),
        # A window that is over stays until its timer has told it.
        "windows": {sender: window.until for sender, window in windows.items() if window.until > now},
        "recent": list(recent.lines.values()) if recent else [],
    }


def doubtful(row: Timeline) -> list[dict[str, object]]:
    """The steps of commands whose end is not known."""
    found = {(step.tenant, step.contact): step for step in ambiguous(row)}
    names = ("command_id", "tenant", "contact", "at", "reason")
    return [{name: getattr(step, name) for name in names} for step in found.values()]
