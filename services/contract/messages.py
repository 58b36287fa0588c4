"""Messages on the log: what people and Twilio say of them, the commands that send them, and what follows."""

from services.contract.consent import CONSENT, SUPPRESSION
from services.contract.fold import POLLER_APP, PROCESSOR_APPS, SENDER_APP, FoldContract, Product
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.senders import SENDERS
from services.contract.topic import MONTH, QUARTER, WEEK, Topic
from services.domain.messages import deliverability
from services.domain.messages.commands import CancelMessage, RescheduleMessage, ResolveAmbiguous, SendMessage
from services.domain.messages.costs import CostStated
from services.domain.messages.deliverability import DeliverabilityCounted
from services.domain.messages.events import (
    DeliveryChanged,
    InboundReceived,
    KeywordHeard,
    MessageSent,
    OutcomeReached,
    StatusReceived,
)
from services.domain.messages.number import NumberStated
from services.domain.messages.sessions import SessionChanged
from services.domain.messages.tickets import TicketEnded, TicketRetried

INBOUND = Topic("twilio.inbound.v1", InboundReceived, lambda e: e.contact, "contact", MONTH)
KEYWORDS = Topic("twilio.keywords.v1", KeywordHeard, lambda e: e.contact, "contact", MONTH)
STATUS = Topic("twilio.status.v1", StatusReceived, lambda e: e.message_sid or e.event_id, "MessageSid", MONTH)
MESSAGES = Topic(
    "twilio.outbound.messages.v1",
    SendMessage | ResolveAmbiguous | CancelMessage | RescheduleMessage,
    lambda e: e.command_id,
    "anything",
    WEEK,
    public=True,
)
SENT = Topic("twilio.sent.v1", MessageSent, lambda e: e.message_sid, "MessageSid", MONTH)
DELIVERY = Topic("twilio.delivery.v1", DeliveryChanged, lambda e: e.message_sid, "MessageSid", MONTH)
OUTCOMES = Topic("twilio.outcomes.v1", OutcomeReached, lambda e: e.contact, "contact", MONTH)
SESSIONS = Topic("twilio.sessions.v1", SessionChanged, lambda e: e.contact, "contact", None, compacted=True)
NUMBERS = Topic("twilio.numbers.v1", NumberStated, lambda e: e.contact, "contact", None, compacted=True)
DELIVERABILITY = Topic(
    "twilio.deliverability.v1",
    DeliverabilityCounted,
    deliverability.dimension,
    "dimension",
    QUARTER,
    replaces=deliverability.row_key,
)

TICKETS = Topic("twilio.tickets.v1", TicketEnded | TicketRetried, lambda e: e.contact, "contact", MONTH)
COSTS = Topic("twilio.costs.v1", CostStated, lambda e: e.message_sid, "MessageSid", QUARTER)

MESSAGES_FOLD = FoldContract(
    PROCESSOR_APPS["messages"],
    "messages",
    (STATUS, SENT),
    ("delivery", "deliverability", "suspensions", "sendersbystatus"),
    # An account that Twilio suspended is paused: that is an accepted fact.
    (DELIVERY, OUTCOMES, DELIVERABILITY, ACCEPTED, SENDERS),
)
CONTACTS_FOLD = FoldContract(
    PROCESSOR_APPS["messages"],
    "contacts",
    (INBOUND, ACCEPTED, OUTCOMES),
    ("suppression", "sessions", "numbers", "recent", "pauses", "sendersbyinbound"),
    # The confirmation of a STOP, a link and a hold are accepted facts.
    (SUPPRESSION, CONSENT, SESSIONS, NUMBERS, ACCEPTED, SENDERS),
)
# Messages whose end nobody has told: what is found of them at Twilio is a status as any other. Beside them stands until
# when a tenant's log was held against Twilio's lists, up to which day its lists of deactivated numbers are on the log,
# how its senders by WhatsApp are, when its templates, prices and registrations were read; and what each message cost.
SILENT_FOLD = FoldContract(
    POLLER_APP,
    "silent",
    (STATUS, SENT),
    ("silent", "reconciled", "deactivated", "channelsenders", "syncs", "costs"),
    (STATUS, COSTS, ACCEPTED),
)
INTAKE_FOLD = FoldContract(SENDER_APP, "intake", (MESSAGES,), ("parked",), (ACCEPTED, RESULTS))

PRODUCT = Product(
    (INBOUND, KEYWORDS, STATUS, MESSAGES, SENT, DELIVERY, OUTCOMES, SESSIONS, NUMBERS, DELIVERABILITY, TICKETS, COSTS),
    (MESSAGES_FOLD, CONTACTS_FOLD, INTAKE_FOLD, SILENT_FOLD),
)
