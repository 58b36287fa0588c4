"""Where a message stands: the statuses seen of it, each with its first arrival, and which of them overrules which.

Twilio's callbacks carry no event time, so facts join by rank alone: everything else is read off that set. Whom it is
from and for joins by how good the word is that it stands on.
"""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from services.domain.messages.events import MessageSent, StatusReceived, parameter

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
ARRIVED = frozenset({"received", "delivered", "read"})
# Who tells of a message: Twilio's answer to us, or our own signed callback; a webhook; a list.
_CREATED, _TOLD, _LISTED = 3, 2, 1


class ErrorSeen(NamedTuple):
    """The first error told with a status. Ordered by arrival, then code: joining is taking the lesser."""

    at: str
    code: int


class Step(msgspec.Struct, frozen=True):
    """A status and when it first arrived."""

    at: str
    error: ErrorSeen | None = None


class Witness(NamedTuple):
    """How good the word is that a field stands on; where facts disagree the better one's counts. 0: nobody's."""

    contact: int = 0
    from_: int = 0
    to: int = 0


class Delivery(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """All that a tenant knows of one message. Key: `{MessageSid} {tenant}`."""

    tenant: str
    message_sid: str
    steps: dict[str, Step]
    contact: str | None = None
    command_id: str | None = None
    from_: str = ""
    to: str = ""
    witness: Witness = Witness()
    segments: int | None = None
    service: str | None = None

    @property
    def status(self) -> str:
        """The furthest status seen. One that Twilio invents after this was written ranks below all known."""
        # By hand: it is asked twice for each fact.
        furthest, reached = "", -1
        for status in self.steps:
            rank = RANK.get(status, 0)
            if rank > reached or (rank == reached and status > furthest):
                furthest, reached = status, rank
        return furthest

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def created_at(self) -> str:
        """When it was made, or the earliest that was heard of it."""
        return min([step.at for step in self.steps.values()])

    @property
    def error_code(self) -> int | None:
        """The error that the message stands with."""
        return self.error_at(self.status)

    def error_at(self, furthest: str) -> int | None:
        """The error told with the furthest status that told one; a later callback without a code erases nothing.

        None where the message arrived: what failed on the way is history, and stands in its step alone.
        """
        told = self.error_step(furthest)
        return told[1].code if told else None

    def error_step(self, furthest: str) -> tuple[str, ErrorSeen] | None:
        """That error, and the status that told it."""
        if furthest in ARRIVED:
            return None
        told = [(RANK.get(status, 0), status, step.error) for status, step in self.steps.items() if step.error]
        return max(told)[1:] if told else None


def join(state: Delivery | None, event: StatusReceived | MessageSent) -> Delivery:
    # The first fact joins a state that knows nothing, as every other joins what is known: else its blanks would
    # stay as they came.
    known = state or Delivery(tenant=event.tenant, message_sid=event.message_sid, steps={})
    status, step, segments = _told(event)
    before = known.steps.get(status)
    by, was = _witness(event), known.witness
    contact, by_contact = _better(known.contact or "", was.contact, event.contact or "", by.contact)
    from_, by_from = _better(known.from_, was.from_, event.from_, by.from_)
    to, by_to = _better(known.to, was.to, event.to, by.to)
    return Delivery(
        tenant=known.tenant,
        message_sid=known.message_sid,
        steps={**known.steps, status: step if before is None else _earlier(before, step)},
        contact=contact or None,
        command_id=_agree(known.command_id, event.command_id),
        from_=from_,
        to=to,
        witness=was if was == (by_contact, by_from, by_to) else Witness(by_contact, by_from, by_to),
        segments=max(known.segments or 0, segments or 0) or None,
        service=_agree(known.service, _service(event)),
    )


def _better(known: str, by: int, told: str, told_by: int) -> tuple[str, int]:
    """The word of the better witness; of two as good the greater, a choice that no order changes."""
    return (told, told_by) if told_by > by or (told_by == by and told > known) else (known, by)


@lru_cache(maxsize=64)
def _of_fields(contact: int, from_: int, to: int) -> Witness:
    return Witness(contact, from_, to)


def _witness(event: StatusReceived | MessageSent) -> Witness:
    """How good this fact's word is, of each field that it fills."""
    by = _CREATED if isinstance(event, MessageSent) else _LISTED if event.provenance == "backfill" else _TOLD
    # The contact of a callback that names our command stands under our signature.
    signed = _CREATED if event.command_id else by
    return _of_fields(signed if event.contact else 0, by if event.from_ else 0, by if event.to else 0)


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
    return one if one == other else max(one or "", other or "") or None
