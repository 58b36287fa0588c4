"""Whose webhooks ingress takes: a line for each product."""

from collections.abc import Callable, Mapping

from services.ingress import messages, studio
from services.ingress.webhook import Webhook
from services.runtime.config import Settings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

_PRODUCTS = (messages.webhooks, studio.webhooks)
# By topic, whether a fact's value is keyed by this tenant's secret. Raises DecodeError.
FITS: Mapping[str, Callable[[bytes, TenantSettings], bool]] = {**messages.FITS, **studio.FITS}


def webhooks(settings: Settings, tenants: Tenants) -> dict[str, Webhook]:
    """All of them, by kind."""
    return {one.kind: one for product in _PRODUCTS for one in product(settings, tenants)}
