"""By what intake takes a tenant's commands: its settings, and what is known of Twilio's lists."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from services.domain.compliance.countries import CountryRules, Rows
from services.domain.compliance.registry import NOTHING_KNOWN, Registry
from services.domain.messages.intake import Rules
from services.domain.messages.routing import Route
from services.domain.spend.estimating import Rates
from services.domain.spend.prices import PricesStated
from services.domain.templates.catalogue import NO_TEMPLATES, Catalogue
from services.runtime.country_rows import ROWS
from services.runtime.tenants.sections.compliance import ComplianceSettings
from services.runtime.tenants.sections.routing import RouteSettings
from services.runtime.tenants.settings import TenantSettings

# What is known of a price list, by country, when it is asked.
Listed = Callable[[], Mapping[str, PricesStated]]


class Known(NamedTuple):
    """What is known of Twilio's lists when it is asked: prices, what is registered with carriers, templates."""

    prices: Listed = dict
    registry: Callable[[], Registry] = lambda: NOTHING_KNOWN
    templates: Callable[[], Catalogue] = lambda: NO_TEMPLATES


def rules_of_intake(tenant: TenantSettings, lifetime_s: float, known: Known) -> Rules:
    """By what intake takes a tenant's commands. `lifetime_s`: of a command that says nothing of it."""
    return Rules(
        contact_secret=tenant.contact_secret.get_secret_value().encode(),
        lifetime=lifetime_s,
        default_region=tenant.default_region,
        default_messaging_service=tenant.routing.default_messaging_service_sid,
        routes=tuple(map(_route, tenant.routing.routes)),
        producer_keys={key: secret.get_secret_value().encode() for key, secret in tenant.producer_keys.items()},
        signed=tenant.unsigned_commands == "refused",
        rates=rates_of(tenant, known.prices),
        countries=country_rows(tenant.compliance),
        registry=known.registry,
        registration=tenant.compliance.registration,
        destinations=tuple(tenant.rate_limits.destinations),
        templates=known.templates,
    )


def rates_of(tenant: TenantSettings, listed: Listed) -> Rates:
    """What a tenant knows of prices."""
    spend = tenant.spend
    assumed = {str(channel): amount for channel, amount in spend.assumed.items()}
    return Rates(listed, spend.currency, assumed, spend.surcharges)


def _route(settings: RouteSettings) -> Route:
    return Route(
        settings.pool,
        frozenset(settings.countries),
        tuple(settings.prefixes),
        frozenset(settings.channels),
        frozenset(settings.labels),
        frozenset(settings.purposes),
        settings.nearest,
    )


def country_rows(settings: ComplianceSettings) -> Rows:
    """What countries ask for, with what a tenant sets in its place."""
    own = {code: one.model_dump(exclude_none=True) for code, one in settings.countries.items()}
    return {**ROWS, **{code: replace(ROWS.get(code, CountryRules()), **told) for code, told in own.items()}}
