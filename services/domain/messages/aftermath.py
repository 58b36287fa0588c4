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
    """Whether an end takes the place of the one that is known."""
    if known is None:
        return True
    if (rank := RANK[told.status]) != RANK[known.status]:
        return rank > RANK[known.status]
    if told.error_code == known.error_code:
        # A command has one message; of two, which a person's error may make, any order must choose the same.
        return told.sid > known.sid
    if told.error_code is None or known.error_code is None:
        return known.error_code is None
    return _nearer(told, known)


def _nearer(told: End, known: End) -> bool:
    further, before = ((RANK.get(step, 0), step) for step in (told.error_status or "", known.error_status or ""))
    if further != before:
        return further > before
    # Of one step the first error stands.
    return (told.error_at or "", told.error_code or 0) < (known.error_at or "", known.error_code or 0)
