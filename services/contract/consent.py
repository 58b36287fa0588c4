"""Consent on the log: commands that record it, the evidence, and whom we may write to."""

from services.contract.fold import SENDER_APP, FoldContract, Product
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.topic import MONTH, Topic
from services.domain.consent.commands import RecordConsent
from services.domain.consent.events import (
    ConsentRecorded,
    DeactivationRecorded,
    HoldRecorded,
    LinkRecorded,
    OptOutSuspected,
    SuppressionChanged,
)

CONSENT_COMMANDS = Topic(
    "twilio.consent.commands.v1", RecordConsent, lambda e: e.command_id, "anything", MONTH, public=True
)
CONSENT = Topic(
    "twilio.consent.v1",
    ConsentRecorded | DeactivationRecorded | HoldRecorded | LinkRecorded | OptOutSuspected,
    lambda e: e.contact,
    "contact",
    None,
)
SUPPRESSION = Topic("twilio.suppression.v1", SuppressionChanged, lambda e: e.contact, "contact", None, compacted=True)

CONSENT_INTAKE_FOLD = FoldContract(
    SENDER_APP, "consent-intake", (CONSENT_COMMANDS,), ("parkedconsent",), (ACCEPTED, RESULTS)
)

PRODUCT = Product((CONSENT_COMMANDS, CONSENT, SUPPRESSION), (CONSENT_INTAKE_FOLD,))
