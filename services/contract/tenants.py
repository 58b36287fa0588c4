"""What the log knows of tenants."""

from services.contract.fold import Product
from services.contract.topic import Topic
from services.domain.tenants import TenantKnown

# For ever, and not compacted: the first of each tenant counts, also against one that is written by mistake.
TENANTS = Topic("twilio.tenants.v1", TenantKnown, lambda e: e.tenant, "tenant", None)

PRODUCT = Product((TENANTS,))
