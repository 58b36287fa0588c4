"""Twilio tells of a suspended account (30002, 30037) by callback only, message by message: then its tenant is paused.

Once a minute at most, for all its messages fail together; each partition of the messages tells for itself.
"""

from collections.abc import Sequence

import msgspec

from services.domain.clock import later
from services.domain.errors import explain
from services.domain.identity import derived_event_id
from services.domain.messages.events import OutcomeReached
from services.domain.outbox.pauses import PausePlaced, of_tenant

_AGAIN_S = 60.0


class Suspension(msgspec.Struct, frozen=True):
    """When the message was made of which a tenant's suspension was told last. Key: tenant."""

    created_at: str


class Suspending:
    """The fold. `keys`: a record key of each partition of the accepted commands."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    def __call__(
        self, state: Suspension | None, event: OutcomeReached
    ) -> tuple[Suspension | None, Sequence[PausePlaced]]:
        """Join one end of a message."""
        made, info = event.created_at or event.at, explain(event.error_code)
        if not (info.by_callback and info.holds == "account") or (state and made <= later(state.created_at, _AGAIN_S)):
            return state, ()
        return Suspension(made), [_pause(event, made, key) for key in self._keys]


def _pause(event: OutcomeReached, made: str, key: str) -> PausePlaced:
    return PausePlaced(
        event_id=derived_event_id(event.event_id, "pause", key),
        key=key,
        tenant=event.tenant,
        scope=of_tenant(event.tenant),
        at=event.at,
        by="Twilio",
        note=f"{event.error_code}: {explain(event.error_code).remedy}",
        cause="account",
        sent_at=made,
    )
