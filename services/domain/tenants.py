"""What the log knows of a tenant itself (`twilio.tenants.v1`)."""

from typing import Literal

import msgspec


class TenantKnown(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's account and contact secret, when a service first met it on this log. The first of a tenant counts.

    `secret_fingerprint`: `scrypt$n$r$p$salt$digest` of the contact secret, the last two in hex. It never changes: all
    of the tenant's keys were made by that secret.
    """

    event_type: Literal["tenant_known"] = "tenant_known"
    event_id: str
    tenant: str
    at: str
    account_sid: str
    secret_fingerprint: str
