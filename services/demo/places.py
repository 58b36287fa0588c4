"""Where messages went: how many reached what, by country and carrier, as `twilio.deliverability.v1` says. Pure."""

from collections import Counter, defaultdict
from typing import NamedTuple

from services.contract.messages import DELIVERABILITY
from services.demo.log import Log

_STATUSES = ("sent", "delivered", "read", "failed")


class Place(NamedTuple):
    """The messages of one country and carrier; both may be unknown (empty)."""

    country: str
    carrier: str
    counts: Counter[str]


def places(log: Log) -> list[Place]:
    """The last value of each key, minute and part, added up; the most messages first."""
    last = {}
    for entry in log.of(DELIVERABILITY):
        event = entry.event
        last[entry.key, event["minute"], event["part"]] = event
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for event in last.values():
        found[event["country"], event["carrier"]].update({name: event[name] for name in _STATUSES})
    return sorted((Place(*key, counts) for key, counts in found.items()), key=lambda one: -one.counts.total())
