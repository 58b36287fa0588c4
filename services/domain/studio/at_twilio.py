"""Executions and steps as Twilio's Studio API shows them, and the facts that they are on our log."""

from collections.abc import Mapping
from typing import Any, cast

from services.domain.addresses import judge
from services.domain.clock import parse, to_iso
from services.domain.contact import contact_key
from services.domain.identity import raw_event_id
from services.domain.studio.events import ExecutionSeen, ExecutionStatus, StepWalked

# Of revisions; the log's numbers have an end.
_MOST = 1 << 31
_STATUSES = ("active", "ended")


def execution(tenant: str, contact_secret: bytes, resource: Mapping[str, Any], now: str) -> ExecutionSeen | None:
    """Of the JSON of an execution; None for what has no id, no date, or a status that Twilio never had.

    The fact's id depends on what it states alone, so it is one fact each time.
    """
    sid, status = _text(resource, "sid"), _text(resource, "status").lower()
    started_at = _date(resource.get("date_created"))
    if not sid or status not in _STATUSES or started_at is None:
        return None
    address = _text(resource, "contact_channel_address")
    # Of what Twilio masks nothing may be derived; a thread's own sid is no person either.
    who = judge(address)
    return ExecutionSeen(
        event_id=raw_event_id("studio_execution", tenant, (sid.encode(), status.encode())),
        tenant=tenant,
        seen_at=now,
        account_sid=_text(resource, "account_sid"),
        flow_sid=_text(resource, "flow_sid"),
        execution_sid=sid,
        flow_version=version
        if isinstance(version := resource.get("flow_version"), int) and 0 <= version < _MOST
        else 0,
        status=cast("ExecutionStatus", status),
        contact=contact_key(tenant, address, contact_secret) if who.may_say else None,
        to="" if who.kind == "masked" else address,
        initiated_by=_text(resource, "initiated_by"),
        started_at=started_at,
        updated_at=_date(resource.get("date_updated")) or started_at,
    )


def step(tenant: str, execution_sid: str, resource: Mapping[str, Any], now: str) -> StepWalked | None:
    """Of the JSON of a step; None for what has no id or no date. Its id depends on which step it is alone."""
    sid, walked_at = _text(resource, "sid"), _date(resource.get("date_created"))
    if not sid or walked_at is None:
        return None
    return StepWalked(
        event_id=raw_event_id("studio_step", tenant, (sid.encode(),)),
        tenant=tenant,
        seen_at=now,
        execution_sid=execution_sid,
        step_sid=sid,
        event=_text(resource, "name"),
        left=_text(resource, "transitioned_from"),
        entered=_text(resource, "transitioned_to"),
        walked_at=walked_at,
    )


def _date(given: Any) -> str | None:
    """`2015-07-30T20:00:00Z`, as Studio writes times."""
    try:
        return to_iso(parse(given)) if isinstance(given, str) else None
    except ValueError:
        return None


def _text(resource: Mapping[str, Any], name: str) -> str:
    return str(resource.get(name) or "")
