"""The topics as they are published, and which of them are keyed alike."""

INBOUND = "twilio.inbound.v1"
STATUS = "twilio.status.v1"
CONSENT_COMMANDS = "twilio.consent.commands.v1"
MESSAGES = "twilio.outbound.messages.v1"
ACCEPTED = "twilio.outbound.accepted.v1"
RESULTS = "twilio.outbound.results.v1"
SENT = "twilio.sent.v1"
DELIVERY = "twilio.delivery.v1"
OUTCOMES = "twilio.outcomes.v1"
SESSIONS = "twilio.sessions.v1"
CONSENT = "twilio.consent.v1"
SUPPRESSION = "twilio.suppression.v1"
DELIVERABILITY = "twilio.deliverability.v1"

PUBLIC = (CONSENT_COMMANDS, MESSAGES)
# Everything with an `event_id` of the product's own.
EVENTS = (
    INBOUND, STATUS, ACCEPTED, RESULTS, SENT, DELIVERY, OUTCOMES, SESSIONS, CONSENT, SUPPRESSION, DELIVERABILITY,
)  # fmt: skip
BY_CONTACT = (INBOUND, ACCEPTED, OUTCOMES, SESSIONS, CONSENT, SUPPRESSION)
BY_MESSAGE = (STATUS, SENT, DELIVERY)
DELIVERY_ROWS = "switchboard-processor-delivery-changelog"

DEAD = ".dead.v1"


def dead_of(topic: str) -> str:
    """Where a topic's records go that could not be decoded or folded."""
    return topic.removesuffix(".v1") + DEAD
