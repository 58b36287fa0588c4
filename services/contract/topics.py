"""The topic registry: the one place where a topic is named, with its type, key, retention and compaction.

A tenant may have public topics of its own, beside the shared ones: `own_topic`.
"""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple, get_args

import msgspec

from services.contract.letters import LetterHandled
from services.domain.audit import Audited
from services.domain.consent.commands import ConsentAccepted, ContactLinked, MessageDated, RecordConsent
from services.domain.consent.events import (
    ConsentRecorded,
    HoldRecorded,
    LinkRecorded,
    OptOutSuspected,
    SuppressionChanged,
)
from services.domain.consent.holds import HoldPlaced, HoldReleased
from services.domain.messages import deliverability
from services.domain.messages.commands import (
    CancelAccepted,
    CancelMessage,
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
from services.domain.messages.pauses import PauseEnded, PausePlaced
from services.domain.messages.sessions import SessionChanged
from services.domain.senders import events as senders
from services.domain.senders.events import SendersStated
from services.domain.tenants import TenantKnown

_MONTH = timedelta(days=30)
_WEEK = timedelta(days=7)
_QUARTER = timedelta(days=90)
_YEAR = timedelta(days=365)


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
        """Where this topic's records go that could not be decoded or folded; a tenant's own share the shared one's."""
        return f"{shared_name(self.name).removesuffix('.v1')}.dead.v1"


# Between the name of a public topic and that of the tenant whose own it is.
_OWN = ".t."
_OWNED = re.compile(r"(?P<shared>twilio\.[a-z.]+)\.t\.(?P<tenant>[a-z0-9][a-z0-9_-]{0,62})\.v1", re.ASCII)


def own_topic(topic: Topic, tenant: str) -> Topic:
    """The public topic of a tenant: what stands there is said by who may write there, which is that tenant."""
    return topic._replace(name=f"{own_prefix(topic)}{tenant}.v1")


def own_prefix(topic: Topic) -> str:
    """What the names of all tenants' own topics begin with, and no other topic's."""
    return f"{topic.name.removesuffix('.v1')}{_OWN}"


def owner_of(name: str) -> str | None:
    """The tenant whose own topic this is; None for a topic that is nobody's own."""
    found = _OWNED.fullmatch(name)
    return found["tenant"] if found else None


def shared_name(name: str) -> str:
    """The topic that a tenant's own stands for; any other name as it is."""
    found = _OWNED.fullmatch(name)
    return f"{found['shared']}.v1" if found else name


INBOUND = Topic("twilio.inbound.v1", InboundReceived, lambda e: e.contact, "contact", _MONTH)
STATUS = Topic("twilio.status.v1", StatusReceived, lambda e: e.message_sid or e.event_id, "MessageSid", _MONTH)
CONSENT_COMMANDS = Topic(
    "twilio.consent.commands.v1", RecordConsent, lambda e: e.command_id, "anything", _MONTH, public=True
)
MESSAGES = Topic(
    "twilio.outbound.messages.v1",
    SendMessage | ResolveAmbiguous | CancelMessage,
    lambda e: e.command_id,
    "anything",
    _WEEK,
    public=True,
)
ACCEPTED = Topic(
    "twilio.outbound.accepted.v1",
    CommandAccepted
    | ConsentAccepted
    | ContactLinked
    | MessageDated
    | HoldPlaced
    | HoldReleased
    | ResolutionAccepted
    | CancelAccepted
    | PausePlaced
    | PauseEnded,
    lambda e: e.contact,
    "contact",
    _WEEK,
)
RESULTS = Topic("twilio.outbound.results.v1", CommandResult, lambda e: e.key, "tenant and command id", _MONTH)
SENT = Topic("twilio.sent.v1", MessageSent, lambda e: e.message_sid, "MessageSid", _MONTH)
DELIVERY = Topic("twilio.delivery.v1", DeliveryChanged, lambda e: e.message_sid, "MessageSid", _MONTH)
OUTCOMES = Topic("twilio.outcomes.v1", OutcomeReached, lambda e: e.contact, "contact", _MONTH)

SENDERS = Topic("twilio.senders.v1", SendersStated, senders.key_of, "tenant and part", None, compacted=True)
# For ever, and not compacted: the first of each tenant counts, also against one that is written by mistake.
TENANTS = Topic("twilio.tenants.v1", TenantKnown, lambda e: e.tenant, "tenant", None)
SESSIONS = Topic("twilio.sessions.v1", SessionChanged, lambda e: e.contact, "contact", None, compacted=True)
CONSENT = Topic(
    "twilio.consent.v1",
    ConsentRecorded | HoldRecorded | LinkRecorded | OptOutSuspected,
    lambda e: e.contact,
    "contact",
    None,
)
SUPPRESSION = Topic("twilio.suppression.v1", SuppressionChanged, lambda e: e.contact, "contact", None, compacted=True)
DELIVERABILITY = Topic(
    "twilio.deliverability.v1",
    DeliverabilityCounted,
    deliverability.dimension,
    "dimension",
    _QUARTER,
    replaces=deliverability.row_key,
)
AUDIT = Topic("twilio.audit.v1", Audited, lambda e: e.tenant, "tenant", _YEAR)
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
    SENDERS,
    TENANTS,
    SESSIONS,
    CONSENT,
    SUPPRESSION,
    DELIVERABILITY,
    AUDIT,
    HANDLED,
)
PUBLIC = tuple(topic for topic in EVENTS if topic.public)
# Folded topics have a place for what cannot be folded: the record as it was, key and bytes, the reason in headers.
DEAD = tuple(
    Topic(topic.dead, None, str, f"as {topic.name}", _MONTH)
    for topic in (INBOUND, STATUS, CONSENT_COMMANDS, MESSAGES, ACCEPTED, RESULTS, SENT, OUTCOMES)
)

# A person's key depends on the table of spellings that it was made by.
BY_CONTACT = frozenset(topic.name for topic in EVENTS if topic.key_is == "contact")

PROCESSOR_APP = "switchboard-processor"
SENDER_APP = "switchboard-sender"


def changelog(app: str, table: str) -> str:
    """The name that Faust gives a table's changelog."""
    return f"{app}-{table}-changelog"


CHANGELOGS = (
    *(
        changelog(PROCESSOR_APP, table)
        for table in (
            "delivery",
            "deliverability",
            "suspensions",
            "sendersbystatus",
            "commands",
            "suppression",
            "sessions",
            "recent",
            "pauses",
            "sendersbyinbound",
        )
    ),
    *(
        changelog(SENDER_APP, table)
        for table in ("outbox", "suppression", "sessions", "pauses", "parked", "parkedconsent")
    ),
)


def own_topics(tenants: Iterable[str]) -> tuple[Topic, ...]:
    """All that these tenants have: one for each public topic."""
    return tuple(own_topic(topic, tenant) for tenant in tenants for topic in PUBLIC)


_BY_TYPE = {type_: topic for topic in EVENTS for type_ in topic.types}


def topic_of(event: msgspec.Struct) -> Topic:
    """The topic that an event belongs on. Raises KeyError for a type that is no event."""
    return _BY_TYPE[type(event)]
