"""What a message's state must be, from Twilio's side alone: how it truly lived, and which of that we were told.

Written without a rank of statuses: the simulator knows in which order things happened, so the truth is the last
thing that happened among those that were acknowledged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.demo.twilio import Created, Posted

_ARRIVED = frozenset({"delivered", "read"})


@dataclass(frozen=True)
class State:
    """Where a message stands."""

    status: str
    error_code: int | None

    def __str__(self) -> str:
        return f"{self.status} {self.error_code}" if self.error_code else self.status


def state(created: Created, posted: Sequence[Posted]) -> State:
    """The state of one message that the webhooks posted about it allow one to know."""
    told = {one.status: one.error_code for one in posted if one.acknowledged}
    # What the create call answered is known without a webhook.
    known = [status for place, status in enumerate(created.lived) if place == 0 or status in told]
    # What arrived in the end has no error, though a part of it failed.
    codes = [] if known[-1] in _ARRIVED else [code for status in known if (code := told.get(status))]
    return State(known[-1], codes[-1] if codes else None)
