"""Twilio's words for how far a registration is, in ours.

By Twilio's OpenAPI: brands PENDING, IN_REVIEW, APPROVED, FAILED, SUSPENDED, DELETION_PENDING, DELETION_FAILED;
verifications PENDING_REVIEW, IN_REVIEW, TWILIO_APPROVED, TWILIO_REJECTED; a campaign's is a free text, of which
IN_PROGRESS, PENDING, VERIFIED and FAILED are seen, and SUSPENDED is told of.
"""

from typing import Literal

# `unknown`: a word that is new. Nothing is concluded from it.
State = Literal["approved", "pending", "suspended", "refused", "unknown"]
_STATES: dict[str, State] = {
    "APPROVED": "approved", "VERIFIED": "approved", "TWILIO_APPROVED": "approved",
    "PENDING": "pending", "IN_REVIEW": "pending", "IN_PROGRESS": "pending", "PENDING_REVIEW": "pending",
    "SUSPENDED": "suspended",
    "FAILED": "refused", "TWILIO_REJECTED": "refused",
}  # fmt: skip
STATES = frozenset(_STATES.values())
# Somebody has said no: it takes a person to change that.
STOPPED = frozenset({"suspended", "refused"})


def state_of(status: str) -> State:
    return _STATES.get(status.upper(), "unknown")
