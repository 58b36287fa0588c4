"""The topic registry: the one place where a topic is named, with its type, key, retention and compaction."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple, get_args

import msgspec

from services.contract.letters import LetterHandled
from services.domain.consent.commands import ConsentAccepted, ContactLinked, RecordConsent
from services.domain.consent.events import ConsentRecorded, LinkRecorded, SuppressionChanged
from services.domain.messages import deliverability
from services.domain.messages.commands import (
    CommandAccepted,
    CommandResult,
    ResolutionAccepted,
    ResolveAmbiguous,
    SendMessage,
)
from services.domain.messages.deliverability import DeliverabilityCounted
from services.domain.messages.events import (
    DeliveryChanged,
    InboundReceived,
    MessageSent,
    OutcomeReached,
    StatusReceived,
)
from services.domain.messages.sessions import SessionChanged

_MONTH = timedelta(days=30)
_WEEK = timedelta(days=7)
_QUARTER = timedelta(days=90)


class Topic(NamedTuple):
    """A topic of the product. `key` gives an event's key; compacted, it keeps the last of each, and nothing else.

    `retention` None: for ever.
    """

    name: str
    # A type or a union of several; None: the values are whatever bytes could not be folded (dead letters).
    event: Any
    key: Callable[[Any], str]
    key_is: str
    retention: timedelta | None
    compacted: bool = False
    # Where each value states the whole again: of what? Of one flush only the last of each is written.
    replaces: Callable[[Any], str] | None = None
    # Anyone may produce to a public topic, in any key: it is decoded with distrust.
    public: bool = False

    @property
    def types(self) -> tuple[type[msgspec.Struct], ...]:
        """What its values may be."""
        return get_args(self.event) or ((self.event,) if self.event else ())

    @property
    def dead(self) -> str:
        """Where this topic's records go that could not be decoded or folded."""
        return f"{self.name.removesuffix('.v1')}.dead.v1"


INBOUND = Topic("twilio.inbound.v1", InboundReceived, lambda e: e.contact, "contact", _MONTH)
STATUS = Topic("twilio.status.v1", StatusReceived, lambda e: e.message_sid or e.event_id, "MessageSid", _MONTH)
CONSENT_COMMANDS = Topic(
    "twilio.consent.commands.v1", RecordConsent, lambda e: e.command_id, "anything", _MONTH, public=True
)
MESSAGES = Topic(
    "twilio.outbound.messages.v1",
    SendMessage | ResolveAmbiguous,
    lambda e: e.command_id,
    "anything",
    _WEEK,
    public=True,
)
ACCEPTED = Topic(
    "twilio.outbound.accepted.v1",
    CommandAccepted | ConsentAccepted | ContactLinked | ResolutionAccepted,
    lambda e: e.contact,
    "contact",
    _WEEK,
)
RESULTS = Topic("twilio.outbound.results.v1", CommandResult, lambda e: e.command_id, "command id", _MONTH)
SENT = Topic("twilio.sent.v1", MessageSent, lambda e: e.message_sid, "MessageSid", _MONTH)
DELIVERY = Topic("twilio.delivery.v1", DeliveryChanged, lambda e: e.message_sid, "MessageSid", _MONTH)
OUTCOMES = Topic("twilio.outcomes.v1", OutcomeReached, lambda e: e.contact, "contact", _MONTH)

SESSIONS = Topic("twilio.sessions.v1", SessionChanged, lambda e: e.contact, "contact", None, compacted=True)
CONSENT = Topic("twilio.consent.v1", ConsentRecorded | LinkRecorded, lambda e: e.contact, "contact", None)
SUPPRESSION = Topic("twilio.suppression.v1", SuppressionChanged, lambda e: e.contact, "contact", None, compacted=True)
DELIVERABILITY = Topic(
    "twilio.deliverability.v1",
    DeliverabilityCounted,
    deliverability.dimension,
    "dimension",
    _QUARTER,
    replaces=deliverability.row_key,
)
# Kept longer than the dead letters themselves: one that was dealt with must not look as if it were not.
HANDLED = Topic("twilio.dead.handled.v1", LetterHandled, lambda e: str(e.position), "source position", _QUARTER)

EVENTS = (
    INBOUND,
    STATUS,
    CONSENT_COMMANDS,
    MESSAGES,
    ACCEPTED,
    RESULTS,
    SENT,
    DELIVERY,
    OUTCOMES,
    SESSIONS,
    CONSENT,
    SUPPRESSION,
    DELIVERABILITY,
    HANDLED,
)
# Folded topics have a place for what cannot be folded: the record as it was, key and bytes, the reason in headers.
DEAD = tuple(
    Topic(topic.dead, None, str, f"as {topic.name}", _MONTH)
    for topic in (INBOUND, STATUS, CONSENT_COMMANDS, MESSAGES, ACCEPTED, RESULTS, SENT, OUTCOMES)
)

PROCESSOR_APP = "switchboard-processor"
SENDER_APP = "switchboard-sender"


def changelog(app: str, table: str) -> str:
    """The name that Faust gives a table's changelog."""
    return f"{app}-{table}-changelog"


CHANGELOGS = (
    *(
        changelog(PROCESSOR_APP, table)
        for table in ("delivery", "deliverability", "commands", "suppression", "sessions", "recent")
    ),
    *(changelog(SENDER_APP, table) for table in ("outbox", "suppression", "sessions")),
)

_BY_TYPE = {type_: topic for topic in EVENTS for type_ in topic.types}


def topic_of(event: msgspec.Struct) -> Topic:
    """The topic that an event belongs on. Raises KeyError for a type that is no event."""
    return _BY_TYPE[type(event)]
