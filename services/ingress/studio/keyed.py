"""Whether what a flow told is keyed by the tenant's contact secret."""

from services.contract import codec
from services.contract.studio import REPORTS
from services.domain.contact import contact_key
from services.domain.studio.reports import FlowReported
from services.runtime.tenants.settings import TenantSettings


def report_fits(value: bytes, tenant: TenantSettings) -> bool:
    """Raises DecodeError."""
    event = codec.decode(value, FlowReported)
    secret = tenant.contact_secret.get_secret_value().encode()
    return event.contact == contact_key(event.tenant, event.to, secret)


FITS = {REPORTS.name: report_fits}
