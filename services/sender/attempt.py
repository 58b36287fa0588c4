"""One attempt: gate, then the attempt on the log under the fence, then the call, then its outcome on the log."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from services.domain.clock import later
from services.domain.gate.conditions import LOOKUP, MEDIA
from services.domain.gate.purposes import counted_as
from services.domain.gate.receipt import Receipt
from services.domain.outbox.entry import Entry, row_key
from services.domain.outbox.facts import Attempted, Attempting, Created, Judged, Refused, Unknown
from services.domain.outbox.verdicts import ALLOW
from services.runtime.clock import now
from services.runtime.failpoints import reach
from services.runtime.folding.partition import Partition
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender import looks
from services.sender.account import AccountAt
from services.sender.attempted import UnderWay, answered_by, ended
from services.sender.budgets import Budgets
from services.sender.calling import Caller
from services.sender.faults import Faults
from services.sender.fitting import count as count_concerns
from services.sender.judging import Judging
from services.sender.lookups import Lookups
from services.sender.metering import count
from services.sender.outbound import Addressed, Call, Products
from services.sender.outcomes import Outcome, Refusal
from services.sender.slots import Slots
from services.sender.tables import OUTBOX

_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 60.0

_PAUSES = Refusal(code=None, reason="the account pauses", called=False, reached=False)


@dataclass(frozen=True, slots=True)
class Sending:
    """What every attempt needs: the products, the tenants with who calls for them, and how many seconds it may take."""

    products: Products
    tenants: Tenants
    callers: Mapping[str, Caller]
    judging: Judging
    attempt_deadline_s: float
    slots: Slots
    faults: Faults
    budgets: Budgets
    lookups: Lookups


async def attempt(context: Sending, partition: Partition, entry: Entry) -> bool:
    """Carry a pending command one attempt further; whether there was one, and it was not judged alone.

    Raises CancelledError when the partition is lost: what was begun and not committed is the next owner's to judge.
    """
    if entry.command is None:
        return False
    end = await _carry(context, partition, entry, cast(Addressed, entry.command))
    if end is None:
        return False
    await partition.submit(end)
    ended(end)
    if isinstance(end, Judged) and end.verdict.rule == "budget":
        count(end.receipt.view.overspent, entry.tenant)
    if isinstance(end, Judged) and end.verdict.rule == MEDIA:
        looks.count(end.receipt.view.media, entry.tenant, end.verdict.decision)
    if isinstance(end, Attempted):
        reach("attempt.settled")
    return isinstance(end, Attempted)


async def _carry(context: Sending, partition: Partition, entry: Entry, command: Addressed) -> Judged | Attempted | None:
    """Judge, begin and call; how it ended, or None when the command moved on meanwhile."""
    verdict, receipt = await context.judging.judge(partition, command)
    names = {"order_key": entry.order_key, "command_id": entry.command_id}
    tenant = context.tenants.get(entry.tenant)
    if verdict != ALLOW or tenant is None:
        if verdict.rule == LOOKUP:
            context.lookups.ask(partition, command)
        return Judged(**names, at=receipt.view.now, verdict=verdict, receipt=receipt)
    deadline = later(receipt.view.now, context.attempt_deadline_s)
    going = context.products[command.kind].beside(command, receipt.view.appended)
    begun = Attempting(
        **names,
        at=receipt.view.now,
        attempt=entry.attempt + 1,
        deadline=deadline,
        purpose=counted_as(receipt.question, receipt.view),
        spend=context.budgets.spend(going, receipt.view.now),
        receipt=receipt,
    )
    # From the verdict on, with nothing awaited in between.
    with context.budgets.reserving(partition, command, begun.spend):
        reach("attempt.judged")
        if not await _committed(partition, begun):
            return None
    reach("attempt.committed")
    count_concerns(receipt.view, entry.tenant)
    outcome = await _call(context, partition, tenant, command, begun)
    reach("attempt.called")
    return Attempted(**names, at=now(), attempt=begun.attempt, outcome=outcome)


async def _committed(partition: Partition, begun: Attempting) -> bool:
    """Put the attempt on the log. False when the command was settled meanwhile: then nothing may be called."""
    await partition.submit(begun)
    entry = partition.read(row_key(begun), OUTBOX)
    return entry is not None and entry.state == "attempted" and entry.attempt == begun.attempt


async def _call(
    context: Sending, partition: Partition, tenant: TenantSettings, command: Addressed, begun: Attempting
) -> Created | Refused | Unknown:
    """Call once there is a slot for it, and tell how that ended."""
    at, began = _counted_at(context, command), context.faults.began()
    async with context.slots.call(row_key(begun)) as slot:
        outcome = await _create(context, partition, tenant, command, begun) if slot.granted else _PAUSES
        if outcome is not None:
            slot.ended(outcome)
    if outcome is None:
        return Refused(code=None, reason="its deadline passed, or the gate closed, before the call", retry_at=now())
    known = isinstance(outcome, Refusal) and context.judging.knows(command)
    fault = context.faults.ended(at, command.sender, outcome, known, began)
    if not isinstance(outcome, Refusal):
        return outcome
    if not outcome.called:
        return Refused(code=None, reason=outcome.reason, retry_at=now())
    if fault is not None:
        return Refused(code=outcome.code, reason=outcome.reason, fault=fault, request_id=outcome.request_id)
    again = (
        later(now(), backoff_s(begun.attempt, outcome.retry_after or outcome.look_again_s))
        if outcome.retryable
        else None
    )
    return Refused(
        code=outcome.code,
        reason=outcome.reason,
        retry_at=again,
        conflict=outcome.conflict,
        request_id=outcome.request_id,
    )


async def _create(
    context: Sending, partition: Partition, tenant: TenantSettings, command: Addressed, begun: Attempting
) -> Outcome | None:
    """Make the product's calls. None: it may not go any more, and nobody was called."""
    receipt = _allowed(context, partition, command, begun)
    if receipt is None:
        return None
    product = context.products[command.kind]
    request = product.request(Call(tenant, command, receipt, lambda key: partition.read(key, OUTBOX)))
    if isinstance(request, Refusal):
        return request

    def may_go_on() -> bool:
        return _allowed(context, partition, command, begun) is not None

    with UnderWay(command.tenant):
        answered = await context.callers[command.tenant].make(product.host, request, may_go_on)
    answered_by(answered)
    return answered


def _allowed(context: Sending, partition: Partition, command: Addressed, begun: Attempting) -> Receipt | None:
    """What the gate sees now of an attempt that is on the log; None where it may not go, or not as the log says."""
    # Who waited, for a slot or for an answer, looks once more: a STOP that was folded meanwhile still counts.
    verdict, receipt = context.judging.look_again(partition, command, begun.receipt.question)
    # The wall clock goes on while a process is frozen: one that wakes up too late calls nobody.
    if receipt.view.now > begun.deadline:
        return None
    at = _counted_at(context, command)
    if verdict != ALLOW or not context.faults.may_call(row_key(begun), at, command.sender):
        return None
    judged = receipt.goes_as, counted_as(receipt.question, receipt.view), receipt.view.appended
    was = begun.receipt
    if was is not None and judged != (was.goes_as, begun.purpose, was.view.appended):
        # What the log says of this attempt would not be so any more.
        return None
    return receipt


def _counted_at(context: Sending, command: Addressed) -> AccountAt:
    return AccountAt(command.tenant, context.products[command.kind].counted_at)


def backoff_s(attempt: int, retry_after: float | None) -> float:
    """How long to wait after a retryable refusal: exponential with full jitter, and never less than asked for."""
    longest = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(attempt, 10))
    return (retry_after or 0.0) + random.uniform(0.5, 1.0) * longest  # noqa: S311 (jitter, not a secret)
