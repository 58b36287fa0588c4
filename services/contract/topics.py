"""The topic registry: what the products put on the log, and all that follows from it."""

from collections.abc import Iterable

import msgspec

from services.contract import (
    audit,
    compliance,
    consent,
    followups,
    letters,
    media,
    messages,
    outbound,
    outbox,
    prices,
    rules,
    senders,
    studio,
    templates,
    tenants,
)
from services.contract.topic import MONTH, Topic, own_topic

PRODUCTS = (
    messages.PRODUCT,
    media.PRODUCT,
    followups.PRODUCT,
    consent.PRODUCT,
    outbound.PRODUCT,
    outbox.PRODUCT,
    senders.PRODUCT,
    studio.PRODUCT,
    rules.PRODUCT,
    templates.PRODUCT,
    prices.PRODUCT,
    compliance.PRODUCT,
    tenants.PRODUCT,
    audit.PRODUCT,
    letters.PRODUCT,
)

EVENTS = tuple(topic for product in PRODUCTS for topic in product.topics)
FOLDS = tuple(fold for product in PRODUCTS for fold in product.folds)
PUBLIC = tuple(topic for topic in EVENTS if topic.public)
_FOLDED = {topic for fold in FOLDS for topic in fold.reads}
# Folded topics have a place for what cannot be folded: the record as it was, key and bytes, the reason in headers.
DEAD = tuple(Topic(topic.dead, None, str, f"as {topic.name}", MONTH) for topic in EVENTS if topic in _FOLDED)
CHANGELOGS = tuple(name for fold in FOLDS for name in fold.changelogs)
# A person's key depends on the table of spellings that it was made by.
BY_CONTACT = frozenset(topic.name for topic in EVENTS if topic.key_is == "contact")


def own_topics(tenants: Iterable[str]) -> tuple[Topic, ...]:
    """All that these tenants have: one for each public topic."""
    return tuple(own_topic(topic, tenant) for tenant in tenants for topic in PUBLIC)


_BY_TYPE = {type_: topic for topic in EVENTS for type_ in topic.types}


def topic_of(event: msgspec.Struct) -> Topic:
    """The topic that an event belongs on. Raises KeyError for a type that is no event."""
    return _BY_TYPE[type(event)]
