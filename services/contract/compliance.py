"""Registrations with US carriers on the log."""

from services.contract.fold import Product
from services.contract.topic import Topic
from services.domain.compliance import events as compliance
from services.domain.compliance.events import ComplianceStated

COMPLIANCE = Topic(
    "twilio.compliance.v1", ComplianceStated, compliance.key_of, "tenant and account", None, compacted=True
)

PRODUCT = Product((COMPLIANCE,))
