"""Whether a fact is one of its tenant's accounts', and its contact keyed by the tenant's contact secret."""

from services.contract import codec
from services.contract.messages import INBOUND, KEYWORDS, STATUS
from services.domain.contact import contact_key
from services.domain.messages.events import InboundReceived, KeywordHeard, StatusReceived
from services.runtime.tenants.live import accounts_of
from services.runtime.tenants.settings import TenantSettings


def inbound_fits(value: bytes, tenant: TenantSettings) -> bool:
    """Raises DecodeError."""
    event = codec.decode(value, InboundReceived)
    return event.account_sid in accounts_of(tenant) and event.contact == _key(event.tenant, event.from_, tenant)


def keyword_fits(value: bytes, tenant: TenantSettings) -> bool:
    """Raises DecodeError."""
    event = codec.decode(value, KeywordHeard)
    return event.account_sid in accounts_of(tenant) and event.contact == _key(event.tenant, event.from_, tenant)


def status_fits(value: bytes, tenant: TenantSettings) -> bool:
    """One that names its command has its contact from our signed URL, which a sender made. Raises DecodeError."""
    event = codec.decode(value, StatusReceived)
    if event.account_sid not in accounts_of(tenant):
        return False
    return event.command_id is not None or event.contact == _key(event.tenant, event.to, tenant)


def _key(name: str, address: str, tenant: TenantSettings) -> str:
    return contact_key(name, address, tenant.contact_secret.get_secret_value().encode())


FITS = {INBOUND.name: inbound_fits, KEYWORDS.name: keyword_fits, STATUS.name: status_fits}
