"""Which senders were in which Messaging Service, as `twilio.senders.v1` tells it, and since when that stood there."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from services.checker.facts import Facts
from services.checker.topics import SENDERS

# Sender's address → service → Kafka's time of the first record that has it, in milliseconds.
Services = Mapping[str, Mapping[str, int]]


def memberships(facts: Facts) -> Mapping[str, Services]:
    """By tenant. What has ended is told too: a no goes on to hold there."""
    found: defaultdict[str, defaultdict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for fact in facts.of(SENDERS):
        senders: Any = fact.event.get("senders")
        for name, one in (senders if isinstance(senders, dict) else {}).items():
            known = found[fact.text("tenant")][name]
            for service in one.get("services", {}):
                known[service] = min(fact.entry.timestamp, known.get(service, fact.entry.timestamp))
    return found


def shares(address: str) -> str:
    """With which addresses it shares opt-outs: SMS, MMS and RCS are one, every other channel is its own."""
    channel, colon, _ = address.partition(":")
    return channel if colon and channel not in ("sms", "mms", "rcs") else ""
