"""What derived topics are told of a row that was mended: the whole, as it stands now. Nobody is written to by it."""

from typing import Any

from msgspec.structs import replace

from services.contract import codec
from services.contract.consent import SUPPRESSION
from services.contract.messages import NUMBERS, SESSIONS
from services.contract.senders import SENDERS
from services.contract.topic import Topic
from services.domain.consent.events import SuppressionChanged
from services.domain.consent.standing import Standing, answer
from services.domain.identity import derived_event_id
from services.domain.messages import deliverability, number
from services.domain.messages.deliverability import Counts, row_key
from services.domain.messages.delivery import restated
from services.domain.messages.ladder import Delivery
from services.domain.messages.number import Number
from services.domain.messages.sessions import Change, SessionChanged
from services.domain.messages.sightings import Sightings, stated
from services.domain.messages.windows import Sessions, open_windows
from services.operations.rebuild.plan import Plan
from services.runtime.folding.fold import Emission
from services.runtime.folding.telling import emission

# Compacted by the key of the row.
_BY_KEY: dict[str, Topic] = {
    "suppression": SUPPRESSION,
    "sessions": SESSIONS,
    "numbers": NUMBERS,
    "sendersbystatus": SENDERS,
    "sendersbyinbound": SENDERS,
}


def restate(plan: Plan, key: str, before: Any, after: Any, at: str) -> list[Emission]:
    """The records beside a mended row; none where the service tells the world nothing of its table. `at`: now."""
    if plan.service != "processor":
        return []
    if after is None:
        return _ended(plan.table.name, key, before)
    # With the moment: a row that is mended twice is told of twice.
    source = derived_event_id(key, "rebuilt", at)
    match after:
        case Standing():
            event: Any = SuppressionChanged(
                event_id=derived_event_id(source, "suppression", key),
                tenant=after.tenant,
                contact=after.contact,
                at=at,
                suppressed=answer(after),
            )
        case Sessions() if after.windows:
            event = _session(after, source, at)
        case Number():
            event = number.stated(after, derived_event_id(source, "number", key), at)
        case Sightings():
            event = stated(after, derived_event_id(source, "senders", key), at)
        case Delivery():
            event = restated(after, derived_event_id(source, "delivery", key))
        case Counts():
            event = deliverability.told(after, source)
        case _:
            return []
    return [emission(event, None)]


def _ended(table: str, key: str, before: Any) -> list[Emission]:
    """The log knows nothing of such a row."""
    if topic := _BY_KEY.get(table):
        return [Emission(topic.name, key.encode(), None, codec.headers(topic.name))]
    # A row in a place that is not its own says nothing of its own.
    if isinstance(before, Counts) and row_key(before) == key:
        source = derived_event_id(key, "rebuilt", "none")
        none = replace(before, sent=0, delivered=0, read=0, failed=0, errors={})
        return [emission(deliverability.told(none, source), None)]
    return []


def _session(row: Sessions, source: str, at: str) -> SessionChanged:
    """The window that is open longest, or was, and all that are open."""
    ends = open_windows(row)
    known = ends or {sender: window.until for sender, window in row.windows.items()}
    until, sender = max((until, sender) for sender, until in known.items())
    change: Change = "opened" if sender in ends else "expired"
    if sender in ends and row.windows[sender].closing_told:
        change = "closing"
    return SessionChanged(
        event_id=derived_event_id(source, "session", f"{sender} {until}"),
        tenant=row.tenant,
        contact=row.contact,
        at=at,
        sender=sender,
        change=change,
        until=until,
        windows=ends,
    )
