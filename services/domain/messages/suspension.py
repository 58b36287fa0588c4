"""Twilio tells by callback only, message by message, that an account (30002) or a sender (30034) may send no more: then
it is paused. An account until a person resumes it; a sender for some hours, for which it is taken out.

Once a minute at most, for all its messages fail together; each partition of the messages tells for itself.
"""

from collections.abc import Sequence

import msgspec

from services.domain.clock import later
from services.domain.errors import explain
from services.domain.identity import derived_event_id
from services.domain.messages.events import OutcomeReached
from services.domain.outbox.pauses import PausePlaced, of_sender, of_tenant

_AGAIN_S = 60.0
# Nothing tells when a registration has come through; the next message does.
OUT_S = 6 * 3600.0


class Suspension(msgspec.Struct, frozen=True):
    """When the message was made of which was told last that its account, or its sender, is out. Key: the scope."""

    created_at: str


def row_key(event: OutcomeReached) -> str:
    """The scope that the end of a message may pause."""
    if explain(event.error_code).holds == "sender" and event.sender:
        return of_sender(event.tenant, event.sender)
    return event.tenant


def parts(event: OutcomeReached) -> Sequence[OutcomeReached]:
    """The ends of messages that may tell it, as they are; of the others, which are nearly all, nothing."""
    return (event,) if explain(event.error_code).by_callback else ()


class Suspending:
    """The fold. `keys`: a record key of each partition of the accepted commands."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    def __call__(
        self, state: Suspension | None, event: OutcomeReached
    ) -> tuple[Suspension | None, Sequence[PausePlaced]]:
        """Join one end of a message."""
        made, info = event.created_at or event.at, explain(event.error_code)
        nobody = info.holds == "sender" and not event.sender
        if not info.by_callback or nobody or (state and made <= later(state.created_at, _AGAIN_S)):
            return state, ()
        return Suspension(made), [_pause(event, made, key) for key in self._keys]


def _pause(event: OutcomeReached, made: str, key: str) -> PausePlaced:
    info = explain(event.error_code)
    of_one = info.holds == "sender"
    return PausePlaced(
        event_id=derived_event_id(event.event_id, "pause", key),
        key=key,
        tenant=event.tenant,
        scope=of_sender(event.tenant, event.sender) if of_one else of_tenant(event.tenant),
        at=event.at,
        by="Twilio",
        note=f"{event.error_code}: {info.remedy}",
        cause="sender" if of_one else "account",
        sent_at=made,
        until=later(event.at, OUT_S) if of_one else None,
    )
