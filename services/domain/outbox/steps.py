"""The steps of a command, as they are to be told."""

from typing import Any, Literal

import msgspec

from services.domain.errors import explain
from services.domain.identity import derived_event_id
from services.domain.outbox.accepted import Accepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Refused
from services.domain.outbox.verdicts import Verdict

StepName = Literal[
    "accepted",
    "repeated",
    "duplicate",
    "deferred",
    "attempted",
    "retrying",
    "ambiguous",
    "sent",
    "failed",
    "blocked",
    "expired",
    "canceled",
    "cancel_remembered",
    "cancel_too_late",
    "resolution_refused",
    "rescheduled",
    "reschedule_refused",
]
# No more calls follow it: of each command one.
TERMINAL = frozenset({"sent", "failed", "blocked", "expired", "canceled"})
# Answers to what came beside: they are no step of the command's own.
BESIDE = frozenset(
    {
        *("repeated", "duplicate", "cancel_remembered", "cancel_too_late", "resolution_refused"),
        *("rescheduled", "reschedule_refused"),
    }
)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step, for a product to tell.

    `name`: a StepName, or a product's own for how what was created ended: then `status` says it. `sid`: of what was
    created. `last_step`: how far it has come, where it was produced again. `accepted`: the command, of the step that
    tells of it. `refused`: how an attempt ended that created nothing. `request_id`: see Refused.
    """

    event_id: str
    tenant: str
    command_id: str
    order_key: str
    at: str
    name: str
    attempt: int
    sid: str | None
    status: str | None = None
    last_step: str | None = None
    code: int | None = None
    category: str | None = None
    remedy: str | None = None
    reason: str | None = None
    request_id: str | None = None
    receipt: Any = None
    accepted: Accepted | None = None
    refused: Refused | None = None


def step_of(entry: Entry, name: str, at: str, source: str, **says: Any) -> Step:
    """A step of a command, known by what it came from; `says`: what else a Step has. `name`: see Step."""
    says.setdefault("sid", entry.sid)
    return Step(
        event_id=derived_event_id(source, "result", f"{entry.order_key} {entry.command_id} {name}"),
        tenant=entry.tenant,
        command_id=entry.command_id,
        order_key=entry.order_key,
        at=at,
        name=name,
        attempt=entry.attempt,
        **says,
    )


def verdict_step(entry: Entry, name: StepName, at: str, verdict: Verdict, receipt: Any) -> Step:
    """What a verdict led to."""
    reason = f":{verdict.why}" if name == "deferred" else ""
    return step_of(
        entry,
        name,
        at,
        f"{entry.fingerprint}{reason}",
        category=verdict.rule,
        reason=verdict.reason,
        remedy=verdict.remedy,
        receipt=receipt,
    )


def refusal_step(entry: Entry, name: StepName, at: str, source: str, refused: Refused) -> Step:
    """What a refusal led to."""
    info = explain(refused.code)
    return step_of(
        entry,
        name,
        at,
        source,
        code=refused.code,
        category=info.category,
        reason=refused.reason,
        remedy=info.remedy,
        request_id=refused.request_id,
        refused=refused,
    )
