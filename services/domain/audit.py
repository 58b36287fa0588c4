"""What people did that they may be asked about: facts for `twilio.audit.v1`, keyed by tenant."""

from typing import Literal, NamedTuple

import msgspec

from services.domain.identity import raw_event_id

Action = Literal["looked", "changing", "changed", "unchanged", "unknown"]


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody did something (`twilio.audit.v1`, keyed by tenant).

    `actor` is a token's name, or who ran a command. `action` looked: they were shown a row with nothing masked;
    `subject` is what they asked for, as `commands/acme|order-18473`. Of something at Twilio, the `subject`: changing is
    written before the call, then its end: changed, unchanged (refused, or it was otherwise than they saw), unknown (no
    answer came). `before` and `after` are its fields. `why` and `correlation_id` are what they said of it; of an end,
    what came of it, and the id of its `changing`.
    """

    event_type: Literal["audited"] = "audited"
    event_id: str
    tenant: str
    at: str
    actor: str
    action: Action
    subject: str
    why: str | None = None
    correlation_id: str | None = None
    before: dict[str, str] | None = None
    after: dict[str, str] | None = None


class Asker(NamedTuple):
    """Who asks, and what they say of it."""

    actor: str
    why: str | None = None
    correlation_id: str | None = None


def looked(tenant: str, at: str, asker: Asker, subject: str) -> Audited:
    """The fact that somebody was shown what is unmasked, at `at`."""
    content = (at, asker.actor, "looked", subject, asker.why or "", asker.correlation_id or "")
    return Audited(
        event_id=raw_event_id("audited", tenant, [part.encode() for part in content]),
        tenant=tenant,
        at=at,
        actor=asker.actor,
        action="looked",
        subject=subject,
        why=asker.why,
        correlation_id=asker.correlation_id,
    )


class Touched(NamedTuple):
    """Something at Twilio that a person changes: which resource, and the fields that do."""

    subject: str
    before: dict[str, str]
    after: dict[str, str]


def touched(tenant: str, at: str, asker: Asker, action: Action, what: Touched) -> Audited:
    """The fact that somebody changes something at Twilio, or how that ended."""
    fields = [f"{name}={value}" for part in (what.before, what.after) for name, value in sorted(part.items())]
    content = (at, asker.actor, action, what.subject, asker.why or "", asker.correlation_id or "", *fields)
    return Audited(
        event_id=raw_event_id("audited", tenant, [part.encode() for part in content]),
        tenant=tenant,
        at=at,
        actor=asker.actor,
        action=action,
        subject=what.subject,
        why=asker.why,
        correlation_id=asker.correlation_id,
        before=what.before,
        after=what.after,
    )
