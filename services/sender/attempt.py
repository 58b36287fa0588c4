"""One attempt: gate, then the attempt on the log under the fence, then the call, then its outcome on the log."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from services.domain.clock import later
from services.domain.messages.callback import callback_query
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.gate import ALLOW
from services.domain.messages.outbox import Attempted, Attempting, Created, Entry, Judged, Refused, Unknown, row_key
from services.runtime.clock import now
from services.runtime.config import Settings, TenantSettings
from services.runtime.failpoints import reach
from services.runtime.folding.partition import Partition
from services.sender.gateway import Gateway, Refusal
from services.sender.judging import Judging
from services.sender.slots import Slots
from services.sender.topology import OUTBOX

# Twilio retries a callback only if its URL asks; all of it fits into 15 seconds. The fragment is not signed.
_CALLBACK_RETRIES = "#rc=4&rp=5xx,ct,rt"
_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 60.0

CALLS = Gauge("switchboard_calls_under_way", "Calls at Twilio that are not answered yet")
OUTCOMES = Counter("switchboard_attempts_total", "Attempts by how they ended", ["outcome"])


@dataclass(frozen=True, slots=True)
class Sending:
    """What every attempt needs: the tenants with their gateways, and how long things may take (seconds)."""

    tenants: Mapping[str, TenantSettings]
    gateways: Mapping[str, Gateway]
    judging: Judging
    public_url: str
    attempt_deadline_s: float
    slots: Slots


def sending(settings: Settings, gateways: Mapping[str, Gateway], judging: Judging, slots: Slots) -> Sending:
    return Sending(
        tenants=settings.tenants,
        gateways=gateways,
        judging=judging,
        public_url=settings.public_url,
        attempt_deadline_s=settings.sender.attempt_deadline_s,
        slots=slots,
    )


async def attempt(context: Sending, partition: Partition, entry: Entry) -> None:
    """Carry a pending command one attempt further.

    Raises CancelledError when the partition is lost: what was begun and not committed is the next owner's to judge.
    """
    if entry.command is None:
        return
    end = await _carry(context, partition, entry, entry.command)
    if end is None:
        return
    await partition.submit(end)
    OUTCOMES.labels(_name(end)).inc()
    if isinstance(end, Attempted):
        reach("attempt.settled")


async def _carry(
    context: Sending, partition: Partition, entry: Entry, command: CommandAccepted
) -> Judged | Attempted | None:
    """Judge, begin and call; how it ended, or None when the command moved on meanwhile."""
    verdict, receipt = await context.judging.judge(partition, command)
    names = {"contact": entry.contact, "command_id": entry.command_id}
    tenant = context.tenants.get(entry.tenant)
    if verdict != ALLOW or tenant is None:
        return Judged(**names, at=receipt.view.now, verdict=verdict, receipt=receipt)
    deadline = later(receipt.view.now, context.attempt_deadline_s)
    begun = Attempting(**names, at=receipt.view.now, attempt=entry.attempt + 1, deadline=deadline, receipt=receipt)
    reach("attempt.judged")
    if not await _committed(partition, begun):
        return None
    reach("attempt.committed")
    outcome = await _call(context, partition, tenant, command, begun)
    reach("attempt.called")
    return Attempted(**names, at=now(), attempt=begun.attempt, outcome=outcome)


async def _committed(partition: Partition, begun: Attempting) -> bool:
    """Put the attempt on the log. False when the command was settled meanwhile: then nothing may be called."""
    await partition.submit(begun)
    entry = partition.read(row_key(begun), OUTBOX)
    return entry is not None and entry.state == "attempted" and entry.attempt == begun.attempt


async def _call(
    context: Sending, partition: Partition, tenant: TenantSettings, command: CommandAccepted, begun: Attempting
) -> Created | Refused | Unknown:
    secret = tenant.contact_secret.get_secret_value().encode()
    query = callback_query(secret, command.command_id, command.contact)
    callback = f"{context.public_url}/twilio/{command.tenant}/status?{query}{_CALLBACK_RETRIES}"

    async def create() -> Created | Refusal | Unknown | None:
        # The wall clock goes on while a process is frozen: one that wakes up too late calls nobody. And who waited for
        # a slot looks once more: a STOP that was folded meanwhile still counts.
        if now() > begun.deadline or context.judging.look(partition, command).verdict != ALLOW:
            return None
        with CALLS.track_inprogress():
            return await context.gateways[command.tenant].create(command, callback)

    outcome = await context.slots.call(row_key(begun), create)
    if outcome is None:
        retry_at = later(now(), backoff_s(begun.attempt, None))
        return Refused(code=None, reason="its deadline passed, or the gate closed, before the call", retry_at=retry_at)
    if not isinstance(outcome, Refusal):
        return outcome
    again = later(now(), backoff_s(begun.attempt, outcome.retry_after)) if outcome.retryable else None
    return Refused(code=outcome.code, reason=outcome.reason, retry_at=again)


def backoff_s(attempt: int, retry_after: float | None) -> float:
    """How long to wait after a retryable refusal: exponential with full jitter, and never less than asked for."""
    longest = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(attempt, 10))
    return (retry_after or 0.0) + random.uniform(0.5, 1.0) * longest  # noqa: S311 (jitter, not a secret)


def _name(end: Judged | Attempted) -> str:
    if isinstance(end, Judged):
        return end.verdict.decision
    match end.outcome:
        case Created():
            return "sent"
        case Unknown():
            return "ambiguous"
        case Refused(retry_at=None):
            return "failed"
        case _:
            return "retrying"
