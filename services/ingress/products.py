"""Whose webhooks ingress takes: a line for each product."""

from services.ingress import messages
from services.ingress.webhook import Webhook
from services.runtime.config import Settings
from services.runtime.tenants.live import Tenants

_PRODUCTS = (messages.webhooks,)


def webhooks(settings: Settings, tenants: Tenants) -> dict[str, Webhook]:
    """All of them, by kind."""
    return {one.kind: one for product in _PRODUCTS for one in product(settings, tenants)}
