"""What becomes of a command's message: how it ended, as the outbox hears it. Joined by rank, in any order.

Statuses have the ranks of `ladder`. Of one status told with several errors counts the one that the delivery fold goes
by: that of the furthest step, and of one step the first that arrived.
"""

from services.domain.messages.events import OutcomeReached
from services.domain.messages.ladder import ARRIVED, FINAL, RANK
from services.domain.outbox.entry import End


def ended(event: OutcomeReached) -> End | None:
    """The end that an outcome tells, if it names a message and its end."""
    if not event.message_sid or event.status not in FINAL:
        return None
    if event.error_code is None or event.status in ARRIVED:
        # What arrived has no error: what failed on the way is history.
        return End(event.message_sid, event.status)
    return End(event.message_sid, event.status, event.error_code, event.error_status, event.error_at)


def overrules(told: End, known: End | None) -> bool:
    """Whether an end takes the place of the one that is known. Any order of ends chooses the same one."""
    if known is None:
        return True
    if (rank := RANK[told.status]) != RANK[known.status]:
        return rank > RANK[known.status]
    if (told.error_code is None) != (known.error_code is None):
        return known.error_code is None
    further, before = ((RANK.get(step, 0), step) for step in (told.error_status or "", known.error_status or ""))
    if further != before:
        return further > before
    # Of one step the first error stands.
    first, other = ((end.error_at or "", end.error_code or 0) for end in (told, known))
    if first != other:
        return first < other
    # A command has one message; of two, which a person's error may make, the greater is a choice as good as any.
    return told.sid > known.sid
