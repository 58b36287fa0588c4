"""The topic registry: the one place where a topic is named, with its type, key, retention and compaction."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from services.domain.messages.commands import CommandAccepted, CommandResult, SendMessage
from services.domain.messages.events import (
    DeliveryChanged,
    InboundReceived,
    MessageSent,
    OutcomeReached,
    StatusReceived,
)

_MONTH = timedelta(days=30)
_WEEK = timedelta(days=7)


class Topic(NamedTuple):
    """A topic of the product. `key` gives an event's key; compacted, without `retention`, it keeps the last of each."""

    name: str
    # None: the values are whatever bytes could not be folded (dead letters).
    event: type[msgspec.Struct] | None
    key: Callable[[Any], str]
    key_is: str
    retention: timedelta | None
    compacted: bool = False
    # Anyone may produce to a public topic, in any key: it is decoded with distrust.
    public: bool = False

    @property
    def dead(self) -> str:
        """Where this topic's records go that could not be decoded or folded."""
        return f"{self.name.removesuffix('.v1')}.dead.v1"


INBOUND = Topic("twilio.inbound.v1", InboundReceived, lambda e: e.contact, "contact", _MONTH)
STATUS = Topic("twilio.status.v1", StatusReceived, lambda e: e.message_sid or e.event_id, "MessageSid", _MONTH)
MESSAGES = Topic("twilio.outbound.messages.v1", SendMessage, lambda e: e.command_id, "anything", _WEEK, public=True)
ACCEPTED = Topic("twilio.outbound.accepted.v1", CommandAccepted, lambda e: e.contact, "contact", _WEEK)
RESULTS = Topic("twilio.outbound.results.v1", CommandResult, lambda e: e.command_id, "command id", _MONTH)
SENT = Topic("twilio.sent.v1", MessageSent, lambda e: e.message_sid, "MessageSid", _MONTH)
DELIVERY = Topic("twilio.delivery.v1", DeliveryChanged, lambda e: e.message_sid, "MessageSid", _MONTH)
OUTCOMES = Topic("twilio.outcomes.v1", OutcomeReached, lambda e: e.contact, "contact", _MONTH)

EVENTS = (INBOUND, STATUS, MESSAGES, ACCEPTED, RESULTS, SENT, DELIVERY, OUTCOMES)
# Folded topics have a place for what cannot be folded: the record as it was, key and bytes, the reason in headers.
DEAD = tuple(
    Topic(topic.dead, None, str, f"as {topic.name}", _MONTH)
    for topic in (STATUS, MESSAGES, ACCEPTED, RESULTS, SENT, OUTCOMES)
)

PROCESSOR_APP = "switchboard-processor"
SENDER_APP = "switchboard-sender"


def changelog(app: str, table: str) -> str:
    """The name that Faust gives a table's changelog."""
    return f"{app}-{table}-changelog"


CHANGELOGS = (
    changelog(PROCESSOR_APP, "delivery"),
    changelog(PROCESSOR_APP, "commands"),
    changelog(SENDER_APP, "outbox"),
)

_BY_TYPE = {topic.event: topic for topic in EVENTS if topic.event}


def topic_of(event: msgspec.Struct) -> Topic:
    """The topic that an event belongs on. Raises KeyError for a type that is no event."""
    return _BY_TYPE[type(event)]
