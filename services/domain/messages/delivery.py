"""The delivery fold: where a message stands, from status callbacks in any order and any number.

Twilio's callbacks carry no event time, so facts join by rank alone: the state is the set of statuses seen,
each with its first arrival, and everything else is read off that set. Any order and repetition give the same
state.
"""

from typing import NamedTuple

import msgspec

from services.domain.identity import derived_event_id
from services.domain.messages.errors import explain
from services.domain.messages.events import (
    DeliveryChanged,
    MessageSent,
    OutcomeReached,
    StatusReceived,
    parameter,
)

# The greater overrules the lesser. `delivered` beats `undelivered`: a carrier's late receipt is the better
# witness.
RANK = {
    status: rank
    for rank, status in enumerate(
        (
            "accepted", "scheduled", "queued", "receiving", "sending", "sent",
            "canceled", "failed", "undelivered", "partially_delivered", "received", "delivered", "read",
        ),
        start=1,
    )
}  # fmt: skip
FINAL = frozenset({"canceled", "failed", "undelivered", "partially_delivered", "received", "delivered", "read"})


class ErrorSeen(NamedTuple):
    """The first error told with a status. Ordered by arrival, then code: joining is taking the lesser."""

    at: str
    code: int


class Step(msgspec.Struct, frozen=True):
    """A status and when it first arrived."""

    at: str
    error: ErrorSeen | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """All that is known of one message. Key: MessageSid."""

    tenant: str
    message_sid: str
    steps: dict[str, Step]
    contact: str | None = None
    command_id: str | None = None
    from_: str = ""
    to: str = ""
    segments: int | None = None
    service: str | None = None

    @property
    def status(self) -> str:
        """The furthest status seen. One that Twilio invents after this was written ranks below all known."""
        return max(self.steps, key=lambda status: (RANK.get(status, 0), status))

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def error_code(self) -> int | None:
        """The error told with the furthest status that told one; a later callback without a code erases nothing."""
        told = [(RANK.get(status, 0), status) for status, step in self.steps.items() if step.error]
        seen = self.steps[max(told)[1]].error if told else None
        return seen.code if seen else None


class _Answer(NamedTuple):
    status: str
    final: bool
    error_code: int | None


def fold(
    state: Delivery | None, event: StatusReceived | MessageSent
) -> tuple[Delivery, list[DeliveryChanged | OutcomeReached]]:
    """Join one fact. Emits `DeliveryChanged` when the answer changes, `OutcomeReached` when the end does.

    Raises ValueError for a fact that names no message.
    """
    if not event.message_sid:
        raise ValueError("the callback names no MessageSid")
    before = _answer(state) if state else None
    joined = _join(state, event)
    after = _answer(joined)
    derived: list[DeliveryChanged | OutcomeReached] = []
    if after != before:
        previous = before.status if before else None
        transition = f"{previous}>{after.status}:{after.error_code}"
        derived.append(_changed(joined, after, previous, derived_event_id(event.event_id, "delivery", transition)))
    # An end can be told once it is known whom it is about.
    told = before is not None and before.final and state is not None and bool(state.contact)
    if after.final and joined.contact and not (told and after == before):
        derived.append(_reached(joined, after, event))
    return joined, derived


def _join(state: Delivery | None, event: StatusReceived | MessageSent) -> Delivery:
    # The first fact joins a state that knows nothing, as every other joins what is known: else its blanks would
    # stay as they came.
    known = state or Delivery(tenant=event.tenant, message_sid=event.message_sid, steps={})
    status, step, segments = _told(event)
    before = known.steps.get(status)
    return Delivery(
        tenant=known.tenant,
        message_sid=known.message_sid,
        steps={**known.steps, status: step if before is None else _earlier(before, step)},
        contact=_agree(known.contact, event.contact),
        command_id=_agree(known.command_id, event.command_id),
        from_=max(known.from_, event.from_),
        to=max(known.to, event.to),
        segments=max(known.segments or 0, segments or 0) or None,
        service=_agree(known.service, _service(event)),
    )


def _told(event: StatusReceived | MessageSent) -> tuple[str, Step, int | None]:
    """What a fact says of its message: the status, its arrival with any error, and the segments."""
    status = event.message_status or "unknown"
    if isinstance(event, MessageSent):
        return status, Step(event.sent_at), event.segments
    error = ErrorSeen(event.received_at, event.error_code) if event.error_code else None
    return status, Step(event.received_at, error), None


def _service(event: StatusReceived | MessageSent) -> str | None:
    return parameter(event.raw, "MessagingServiceSid") or None if isinstance(event, StatusReceived) else None


def _earlier(one: Step, other: Step) -> Step:
    errors = [step.error for step in (one, other) if step.error]
    return Step(min(one.at, other.at), min(errors) if errors else None)


def _agree(one: str | None, other: str | None) -> str | None:
    # Facts about one message agree wherever both speak; the greater is a choice that no order can change.
    return max(one or "", other or "") or None


def _answer(state: Delivery) -> _Answer:
    status = state.status
    return _Answer(status, status in FINAL, state.error_code)


def restated(state: Delivery, event_id: str) -> DeliveryChanged:
    """Where a message stands, told again: no step forward, so that nobody counts one."""
    return _changed(state, _answer(state), state.status, event_id)


def _changed(state: Delivery, after: _Answer, previous: str | None, event_id: str) -> DeliveryChanged:
    info = explain(after.error_code) if after.error_code else None
    return DeliveryChanged(
        event_id=event_id,
        tenant=state.tenant,
        at=state.steps[after.status].at,
        message_sid=state.message_sid,
        status=after.status,
        previous_status=previous,
        final=after.final,
        error_code=after.error_code,
        error_category=info.category if info else None,
        remedy=info.remedy if info else None,
        contact=state.contact,
        command_id=state.command_id,
        from_=state.from_,
        to=state.to,
        segments=state.segments,
    )


def _reached(state: Delivery, after: _Answer, event: StatusReceived | MessageSent) -> OutcomeReached:
    return OutcomeReached(
        event_id=derived_event_id(event.event_id, "outcome", f"{after.status}:{after.error_code}"),
        tenant=state.tenant,
        at=state.steps[after.status].at,
        contact=state.contact or "",
        command_id=state.command_id,
        message_sid=state.message_sid,
        sender=state.from_,
        messaging_service_sid=state.service,
        status=after.status,
        error_code=after.error_code,
    )
