"""It is found out otherwise how a command ended: by a fact of the log, or by looking at Twilio."""

from msgspec.structs import replace

from services.domain.errors import explain
from services.domain.outbox.attempts import Told, source_of
from services.domain.outbox.effects import Effects, Heard
from services.domain.outbox.entry import End, Entry, proven, settled
from services.domain.outbox.facts import Created, Settled
from services.domain.outbox.steps import step_of


def found_out(entry: Entry, created: Created, how: str, at: str, effects: Effects) -> tuple[Entry, Told]:
    """What is known to be this command's is the proof that it was created. It also ends a pending command: whatever
    was believed of its attempts, one more would create a second. What was told of one that has ended stands."""
    if not created.sid:
        return entry, []
    if entry.state == "settled":
        return proven(entry, at), []
    sent = settled(entry, at, created.sid)
    told = step_of(sent, "sent", at, source_of(entry), reason=f"settled by {how}")
    return sent, [told, *effects.created(entry, created, at, source_of(entry))]


def looked_up(entry: Entry, event: Settled, effects: Effects) -> tuple[Entry, Told]:
    """Somebody looked at Twilio."""
    return found_out(entry, event.created, event.how, event.at, effects)


def heard(entry: Entry, said: Heard, effects: Effects) -> tuple[Entry, Told]:
    """Proof that it was created, and how that ended, also where all else says that there is none."""
    told: Told = []
    if said.created is not None:
        entry, told = found_out(entry, said.created, said.how, said.at, effects)
    end = said.end
    # Only a cancel has come: what was before it is forgotten.
    if end is None or not entry.fingerprint or not effects.overrules(end, entry.end):
        return entry, told
    after = replace(entry, end=end)
    if entry.end is not None and _says(end) == _says(entry.end):
        # Another step told the same error, or told it before: the row knows, and there is no news.
        return after, told
    info = explain(end.error_code) if end.error_code else None
    ended = step_of(
        entry,
        effects.ended,
        said.at,
        said.event_id,
        sid=end.sid,
        status=end.status,
        code=end.error_code,
        category=info.category if info else None,
        remedy=info.remedy if info else None,
    )
    return after, [*told, ended]


def _says(end: End) -> tuple[str, str, int | None]:
    return end.sid, end.status, end.error_code
