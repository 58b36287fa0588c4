"""Where a message stands: the statuses seen of it, each with its first arrival, and which of them overrules which.

Twilio's callbacks carry no event time, so facts join by rank alone: everything else is read off that set.
"""

from typing import NamedTuple

import msgspec

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
