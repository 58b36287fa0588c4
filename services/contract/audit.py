"""What people and operations did, on the log."""

from services.contract.fold import Product
from services.contract.topic import YEAR, Topic
from services.domain.audit import Audited

AUDIT = Topic("twilio.audit.v1", Audited, lambda e: e.tenant, "tenant", YEAR)

PRODUCT = Product((AUDIT,))
