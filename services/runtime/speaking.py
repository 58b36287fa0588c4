"""Who speaks in a command of ours: the first of its tenant's producer keys."""

from services.contract.signatures import sign
from services.contract.topic import owner_of
from services.runtime.clock import CLOCK
from services.runtime.tenants.settings import TenantSettings


def signature(name: str, tenant: TenantSettings | None, topic: str, value: bytes) -> list[tuple[str, bytes]]:
    """The header of a command; none where the tenant has no key, or the topic is its own."""
    if tenant is None or not tenant.producer_keys or owner_of(topic) is not None:
        return []
    key_id, secret = next(iter(tenant.producer_keys.items()))
    at = CLOCK.milliseconds() // 1000
    return [sign(topic, value, f"{name}/{key_id}", secret.get_secret_value().encode(), at)]
