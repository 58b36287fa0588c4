"""No producer's clock decides: what was accepted is dated no later than it was written (docs/security.md)."""

from services.checker.commands import CALLED, iso
from services.checker.facts import Facts
from services.checker.finding import Looking
from services.checker.topics import ACCEPTED

_COMMANDED = (*CALLED, "consent_accepted", "cancel_accepted", "reschedule_accepted", "resolution_accepted")
# The broker's clock and ours may differ by as much as consent leaves open anyway.
_APART_MS = 60_000


def look(facts: Facts) -> Looking:
    """Of each accepted command: when it was taken, and what it says of when it was said."""
    looking = Looking()
    for fact in facts.sound(ACCEPTED):
        # A confirmation is dated by the message that it answers.
        if fact.event.get("event_type") not in _COMMANDED or fact.event.get("confirms"):
            continue
        looking.checked += 1
        taken, given = fact.text("accepted_at"), fact.text("given_at")
        if taken > iso(fact.entry.timestamp + _APART_MS):
            looking.wrong.append(f"{fact.at}: dated {taken}, and written {iso(fact.entry.timestamp)}")
        if given > taken:
            looking.wrong.append(f"{fact.at}: given {given}, after it was taken")
    return looking
