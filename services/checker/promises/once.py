"""Derived events of folds with a table stand once (README: "in transactions: read them … to see each once")."""

from collections import Counter

from services.checker.facts import Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import (
    ACCEPTED,
    CONSENT,
    DELIVERABILITY,
    DELIVERY,
    OUTCOMES,
    RESULTS,
    SENDERS,
    SENT,
    SESSIONS,
    SUPPRESSION,
)

_ONCE = (RESULTS, SENT, DELIVERY, OUTCOMES, SENDERS, SESSIONS, CONSENT, SUPPRESSION, DELIVERABILITY, ACCEPTED)
# What intake tells has no table behind it: it may stand twice after a kill, under the same id.
_AT_LEAST_ONCE = frozenset({"accepted", "rejected", "recorded"})


def look(facts: Facts) -> Looking:
    """Each id on its topic once."""
    looking = Looking()
    for topic in _ONCE:
        told = [fact for fact in facts.of(topic) if fact.id and _has_a_table(topic, fact)]
        counted = Counter(fact.id for fact in told)
        looking.checked += len(counted)
        last = {fact.id: fact for fact in told}
        looking.doubled += [
            f"{last[event_id].at}: {event_id} stands {count} times" for event_id, count in counted.items() if count > 1
        ]
    return looking


def _has_a_table(topic: str, fact: Fact) -> bool:
    if topic == RESULTS:
        return fact.event.get("step") not in _AT_LEAST_ONCE
    if topic == ACCEPTED:
        return fact.event.get("event_type") == "contact_linked" or bool(fact.event.get("confirms"))
    return True
