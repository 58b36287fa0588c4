"""What must be known of a message, computed from all its facts at once. Shares nothing with the fold.

The fold joins one fact at a time; this sorts all of them and looks at the heap.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from services.domain.messages.events import MessageSent, StatusReceived

# A line further down overrules those above it; the last six end a message, and so does `canceled`.
_LADDER = [
    "accepted",
    "scheduled",
    "queued",
    "receiving",
    "sending",
    "sent",
    "canceled",
    "failed",
    "undelivered",
    "partially_delivered",
    "received",
    "delivered",
    "read",
]
_ENDS = {"canceled", *_LADDER[-6:]}


def told(facts: Iterable[StatusReceived | MessageSent]) -> dict[str, Any]:
    """The answer for one message, as plain values."""
    sightings = sorted((_sighting(fact) for fact in facts), key=lambda seen: (seen["rung"], seen["status"]))
    steps = {status: _step(list(group)) for status, group in groupby(sightings, key=lambda seen: seen["status"])}
    climbed = list(steps)
    failed = [status for status in climbed if steps[status][1]]
    return {
        "status": climbed[-1],
        "final": climbed[-1] in _ENDS,
        "error_code": steps[failed[-1]][1][1] if failed else None,
        "steps": steps,
        "contact": _spoken(seen["contact"] for seen in sightings),
        "command_id": _spoken(seen["command_id"] for seen in sightings),
        "from": _spoken(seen["from"] for seen in sightings) or "",
        "to": _spoken(seen["to"] for seen in sightings) or "",
        "segments": max((seen["segments"] for seen in sightings if seen["segments"]), default=None),
    }


def _sighting(fact: StatusReceived | MessageSent) -> dict[str, Any]:
    status = fact.message_status if fact.message_status else "unknown"
    sent = isinstance(fact, MessageSent)
    return {
        "status": status,
        "rung": _LADDER.index(status) if status in _LADDER else -1,
        "at": fact.sent_at if sent else fact.received_at,
        "error": None if sent else fact.error_code,
        "segments": fact.segments if sent else None,
        "contact": fact.contact,
        "command_id": fact.command_id,
        "from": fact.from_,
        "to": fact.to,
    }


def _step(group: list[dict[str, Any]]) -> tuple[str, tuple[str, int] | None]:
    """When a status was first seen, and the first error that came with it."""
    errors = sorted((seen["at"], seen["error"]) for seen in group if seen["error"])
    return sorted(seen["at"] for seen in group)[0], errors[0] if errors else None


def _spoken(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)
