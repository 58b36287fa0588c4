"""The topics as they are published, and which of them are keyed alike."""

import re

INBOUND = "twilio.inbound.v1"
STATUS = "twilio.status.v1"
CONSENT_COMMANDS = "twilio.consent.commands.v1"
MESSAGES = "twilio.outbound.messages.v1"
STARTS = "twilio.outbound.executions.v1"
FOLLOWUPS = "twilio.outbound.followups.v1"
ACCEPTED = "twilio.outbound.accepted.v1"
RESULTS = "twilio.outbound.results.v1"
SENT = "twilio.sent.v1"
DELIVERY = "twilio.delivery.v1"
OUTCOMES = "twilio.outcomes.v1"
SENDERS = "twilio.senders.v1"
SESSIONS = "twilio.sessions.v1"
CONSENT = "twilio.consent.v1"
SUPPRESSION = "twilio.suppression.v1"
STUDIO = "twilio.studio.v1"
EXPOSURES = "twilio.exposures.v1"
DELIVERABILITY = "twilio.deliverability.v1"

PUBLIC = (CONSENT_COMMANDS, MESSAGES, STARTS, FOLLOWUPS)
# Everything with an `event_id` of the product's own.
EVENTS = (
    INBOUND, STATUS, ACCEPTED, RESULTS, SENT, DELIVERY, OUTCOMES, SENDERS, SESSIONS, CONSENT, SUPPRESSION,
    DELIVERABILITY, STUDIO, EXPOSURES,
)  # fmt: skip
BY_CONTACT = (INBOUND, ACCEPTED, OUTCOMES, SESSIONS, CONSENT, SUPPRESSION, EXPOSURES)
BY_MESSAGE = (STATUS, SENT, DELIVERY)
DELIVERY_ROWS = "switchboard-processor-messages-delivery-changelog"

DEAD = ".dead.v1"
_OWN = re.compile(rf"({'|'.join(re.escape(topic.removesuffix('.v1')) for topic in PUBLIC)})\.t\.([a-z0-9_-]+)\.v1")


def shared(topic: str) -> str:
    """The public topic that a tenant's own stands for; any other as it is."""
    found = _OWN.fullmatch(topic)
    return f"{found[1]}.v1" if found else topic


def owner(topic: str) -> str:
    """The tenant whose own topic it is, or nothing."""
    found = _OWN.fullmatch(topic)
    return found[2] if found else ""


def dead_of(topic: str) -> str:
    """Where a topic's records go that could not be decoded or folded."""
    return shared(topic).removesuffix(".v1") + DEAD
