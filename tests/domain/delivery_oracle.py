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
# Codes of which each says that the person refuses to be written to.
_NO = {21610, 30630, 63014, 63033}
# Whoever has it lacks nothing, whatever was said of a part of it, or by a warning.
_ARRIVED = {"received", "delivered", "read"}


def told(facts: Iterable[StatusReceived | MessageSent]) -> dict[str, Any]:
    """The answer for one message, as plain values."""
    sightings = sorted((_sighting(fact) for fact in facts), key=lambda seen: (seen["rung"], seen["status"]))
    steps = {status: _step(list(group)) for status, group in groupby(sightings, key=lambda seen: seen["status"])}
    climbed = list(steps)
    failed = [] if climbed[-1] in _ARRIVED else [status for status in climbed if steps[status][1]]
    return {
        "status": climbed[-1],
        "final": climbed[-1] in _ENDS,
        "error_code": steps[failed[-1]][1][1] if failed else None,
        "steps": steps,
        "contact": _believed(sightings, "contact", signed=True) or None,
        "command_id": _spoken(seen["command_id"] for seen in sightings),
        "from": _believed(sightings, "from"),
        "to": _believed(sightings, "to"),
        "segments": max((seen["segments"] for seen in sightings if seen["segments"]), default=None),
    }


def noes(facts: Iterable[StatusReceived | MessageSent]) -> set[tuple[str, int]]:
    """The steps by which the person is known to refuse, each with its code."""
    steps = told(facts)["steps"]
    return {(status, error[1]) for status, (_, error) in steps.items() if error and error[1] in _NO}


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
        "source": "answer" if sent else fact.provenance,
    }


def _believed(sightings: list[dict[str, Any]], name: str, signed: bool = False) -> str:
    """What the best source says: Twilio's answer (or our signature), then a webhook, then a list; else nothing."""
    for source in ("answer", "webhook", "backfill"):
        said = [
            seen[name]
            for seen in sightings
            if seen[name] and (seen["source"] == source or (source == "answer" and signed and seen["command_id"]))
        ]
        if said:
            return max(said)
    return ""


def _step(group: list[dict[str, Any]]) -> tuple[str, tuple[str, int] | None]:
    """When a status was first seen, and the first error that came with it."""
    errors = sorted((seen["at"], seen["error"]) for seen in group if seen["error"])
    return sorted(seen["at"] for seen in group)[0], errors[0] if errors else None


def _spoken(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)
