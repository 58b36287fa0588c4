"""The delivery fold: what is told of a message, from status callbacks in any order and any number.

The state is the set of statuses seen, joined by `ladder`, so any order and repetition give the same one. Told is each
change of the answer or of its place among the counts, and to the contact how it ended.
"""

from typing import NamedTuple

from msgspec.structs import replace

from services.domain.clock import later
from services.domain.errors import explain
from services.domain.identity import derived_event_id
from services.domain.messages.channel import went_by
from services.domain.messages.counting import counted
from services.domain.messages.deliverability import COUNTED_FOR_S
from services.domain.messages.events import (
    Counted,
    DeliveryChanged,
    MessageSent,
    OutcomeReached,
    StatusReceived,
)
from services.domain.messages.ladder import ARRIVED, FINAL, Delivery, join


class _Answer(NamedTuple):
    """What is told of a message: its end, as far as it is known, and its place among the counts."""

    status: str
    error_code: int | None
    place: Counted | None

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def end(self) -> tuple[str, int | None]:
        return self.status, self.error_code


def row_key(event: StatusReceived | MessageSent | Delivery) -> str:
    """The key of a message's row: `{MessageSid} {tenant}`.

    Each tenant has a row of its own, whoever owns the message: a stranger's word on it, also one that comes first,
    changes nothing of the owner's.
    """
    return f"{event.message_sid} {event.tenant}"


def fold(
    state: Delivery | None, event: StatusReceived | MessageSent
) -> tuple[Delivery, list[DeliveryChanged | OutcomeReached]]:
    """Join one fact. Emits `DeliveryChanged` when the answer changes, `OutcomeReached` when the end does.

    Raises ValueError for a fact that names no message.
    """
    if not event.message_sid:
        raise ValueError("the callback names no MessageSid")
    before = _answer(state) if state else None
    joined = join(state, event)
    after = _answer(joined)
    derived: list[DeliveryChanged | OutcomeReached] = []
    if after != before:
        transition = f"{before and before.status}>{after.status}:{after.error_code}"
        event_id = derived_event_id(event.event_id, "delivery", transition)
        derived.append(_changed(joined, before, after, event_id, max(_span(joined)[1], _at(event))))
    if joined.contact:
        # An end can be told once it is known whom, and which command, it is about.
        known = state if state and _whose(state) == _whose(joined) else None
        derived += _outcomes(known, joined, before if known else None, after, event)
    return joined, derived


def _outcomes(
    known: Delivery | None,
    joined: Delivery,
    before: _Answer | None,
    after: _Answer,
    event: StatusReceived | MessageSent,
) -> list[OutcomeReached]:
    """What is to be told to its contact.

    A person's no is heard in any step, also in one that is overruled: the end follows it again.
    """
    told: list[OutcomeReached] = []
    # Most facts bring no error; only one that does, or the first of a contact, can say a no.
    if known is None or (isinstance(event, StatusReceived) and event.error_code):
        noes = _noes(joined) - (_noes(known) if known else set())
        if after.final:
            noes.discard(after.end)
        told = [_reached(joined, *no, event) for no in sorted(noes)]
    # Whether they wrote before a message or after it decides about their window: then its time is news too.
    older = known is not None and _too_late(after.error_code) and joined.created_at < known.created_at
    if after.final and (told or older or before is None or after.end != before.end):
        told.append(_reached(joined, *after.end, event))
    return told


def _whose(state: Delivery) -> tuple[str | None, str | None]:
    return state.contact, state.command_id


def _noes(state: Delivery) -> set[tuple[str, int | None]]:
    """The steps whose error says that the person does not want to be written to."""
    return {
        (status, step.error.code)
        for status, step in state.steps.items()
        if step.error and explain(step.error.code).tells == "opted_out"
    }


def _at(event: StatusReceived | MessageSent) -> str:
    return event.sent_at if isinstance(event, MessageSent) else event.received_at


def _answer(state: Delivery) -> _Answer:
    status = state.status
    error_code = state.error_at(status)
    began, latest = _span(state)
    # Most lives are of one day.
    if latest[:10] == began[:10]:
        return _Answer(status, error_code, counted(began, status, error_code, state.from_, state.to))
    end = later(began, COUNTED_FOR_S)
    timely = replace(state, steps={name: step for name, step in state.steps.items() if step.at <= end})
    return _Answer(status, error_code, counted(began, timely.status, timely.error_code, state.from_, state.to))


def _too_late(error_code: int | None) -> bool:
    """Does it say that the person's window was closed?"""
    return error_code is not None and explain(error_code).tells == "window_closed"


def _failed_last(state: Delivery) -> str | None:
    """When the last of its steps was heard that told an error."""
    return max([step.at for step in state.steps.values() if step.error], default=None)


def _span(state: Delivery) -> tuple[str, str]:
    """When its first and its last step arrived."""
    arrivals = [step.at for step in state.steps.values()]
    return min(arrivals), max(arrivals)


def restated(state: Delivery, event_id: str) -> DeliveryChanged:
    """Where a message stands, told again: it stays where it is counted, so that nobody counts it again."""
    answer = _answer(state)
    return _changed(state, answer, answer, event_id, _span(state)[1])


def _changed(state: Delivery, before: _Answer | None, after: _Answer, event_id: str, known_at: str) -> DeliveryChanged:
    info = explain(after.error_code) if after.error_code else None
    return DeliveryChanged(
        event_id=event_id,
        tenant=state.tenant,
        at=state.steps[after.status].at,
        message_sid=state.message_sid,
        status=after.status,
        previous_status=before.status if before else None,
        final=after.final,
        error_code=after.error_code,
        error_category=info.category if info else None,
        remedy=info.remedy if info else None,
        contact=state.contact,
        command_id=state.command_id,
        from_=state.from_,
        to=state.to,
        segments=state.segments,
        known_at=known_at,
        counted_before=before.place if before else None,
        counted_now=after.place,
    )


def _reached(
    state: Delivery, status: str, error_code: int | None, event: StatusReceived | MessageSent
) -> OutcomeReached:
    own = state.steps[status].error
    error = (status, own) if own and own.code == error_code else state.error_step(status) if error_code else None
    return OutcomeReached(
        event_id=derived_event_id(event.event_id, "outcome", f"{status}:{error_code}"),
        tenant=state.tenant,
        at=state.steps[status].at,
        contact=state.contact or "",
        command_id=state.command_id,
        message_sid=state.message_sid,
        sender=state.from_,
        messaging_service_sid=state.service,
        status=status,
        error_code=error_code,
        error_status=error[0] if error else None,
        error_at=error[1].at if error else None,
        created_at=state.created_at if _too_late(error_code) or explain(error_code).by_callback else None,
        channel=went_by(state.message_sid, state.from_, state.to),
        overruled_at=_failed_last(state) if status in ARRIVED else None,
    )
