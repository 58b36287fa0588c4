"""Whose command, or whose contact: the tenant that a person means."""

from collections.abc import Mapping

from services.domain.addresses import judge
from services.domain.contact import contact_key
from services.runtime.config import Settings, load
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.known import KnownTenants, NotKnown
from services.runtime.tenants.opening import tenants_of
from services.runtime.tenants.settings import TenantSettings

# Of a command, or a message.
NOTHING_KNOWN = (
    "check the id and the tenant, or ask again in a moment. A command of a tenant that is not in the settings waits "
    "five minutes, and is then rejected"
)


class Unclear(ConfigError):
    """Whose it is cannot be told; a sentence for people."""


def tenant_of(tenants: Mapping[str, TenantSettings], tenant: str | None) -> str:
    """The tenant that is named, or the only one there is. Raises Unclear."""
    names = list(tenants)
    if tenant is None and len(names) != 1:
        raise Unclear(f"name the tenant with --tenant: {', '.join(names) or 'none is configured'}")
    name = tenant or names[0]
    if name not in tenants:
        raise Unclear(f"no tenant {name!r} is configured; there are {', '.join(names) or 'none'}")
    return name


def command_key(tenant: str | None, command_id: str) -> str:
    """The key of a command's row. One that is named needs no settings."""
    return f"{tenant or tenant_of(tenants_of(load()), None)}|{command_id}"


async def recognised(kafka: KafkaSettings, name: str, tenant: TenantSettings) -> bytes:
    """The secret that keys this tenant's people: the one that the log knows it by, or one of a tenant new there.

    Raises ConfigError: by another, everybody would be a stranger, who never said no.
    """
    try:
        refusals = await KnownTenants(kafka).refusals({name: tenant}, note=False)
    except NotKnown as error:
        raise ConfigError(
            f"{name}: whether contact_secret is the right one is not known: {error}; check kafka.bootstrap"
        ) from error
    if name in refusals:
        raise ConfigError(refusals[name])
    return tenant.contact_secret.get_secret_value().encode()


async def key_of(settings: Settings, tenant: str | None, address: str) -> str:
    """The contact key of an address, or that key as it is. Raises Unclear, and ConfigError as `recognised` does."""
    if "|" in address:
        return address
    tenants = tenants_of(settings)
    name = tenant_of(tenants, tenant)
    if (found := judge(address)).kind in ("nothing", "masked"):
        raise Unclear(found.why_not)
    return contact_key(name, address, await recognised(settings.kafka, name, tenants[name]))
