"""By what a tenant's sends are judged, as its settings say it."""

import hashlib
from collections.abc import Collection
from typing import get_args

import msgspec

from services.domain.addresses import countries
from services.domain.frequency import Cap
from services.domain.gate.view import ConsentRules
from services.domain.messages.recipients import EVERYBODY, Recipients, recipients
from services.domain.quiet import Hours
from services.domain.reachability import RestRule
from services.runtime.tenants.sections.consent import ConsentSettings
from services.runtime.tenants.sections.times import HoursSettings, Weekday
from services.runtime.tenants.settings import TenantSettings

_REACHES = ("sender", "tenant")
_CONSENT_FOR = ("nothing", "templates", "everything")
_SUSPECTED = ("note", "defer_marketing", "stop")
_WEEK: tuple[Weekday, ...] = get_args(Weekday)


def reach(tenant: TenantSettings) -> Recipients:
    """Whom a tenant may reach."""
    return EVERYBODY if tenant.recipients is None else recipients(tenant.recipients)


def caps_of(tenant: TenantSettings) -> dict[str, list[Cap]]:
    """How often a tenant writes to a person, by purpose."""
    return {
        purpose: [Cap(messages=one.messages, days=one.days) for one in caps]
        for purpose, caps in tenant.frequency.items()
    }


def rest_rules(tenant: TenantSettings) -> dict[str, RestRule]:
    """When a number is left alone, by channel; on others by the standard rule."""
    return {
        channel: RestRule(one.failures, one.within_days, one.rest_days, one.landline_days)
        for channel, one in tenant.reachability.items()
    }


def hours_of(settings: HoursSettings) -> Hours:
    """Hours of some days of the week, Monday being 0."""
    return Hours(begins=settings.begin, ends=settings.end, days=sorted(map(_WEEK.index, settings.days)))


class Policy:
    """A tenant's rules by the recipient's country. Where it is not known, the strictest of those that it may be."""

    def __init__(self, settings: ConsentSettings) -> None:
        self._general = _rules(settings)
        self._regions = {
            country: _rules(settings.model_copy(update=region.model_dump(exclude_none=True)))
            for country, region in settings.regions.items()
        }

    def rules(self, country: str | None, address: str = "") -> ConsentRules:
        """The rules of a country, or of whichever an address may be of: a plan may be newer than our library."""
        if country:
            return self._regions.get(country, self._general)
        return self._among(countries(address))

    def _among(self, possible: frozenset[str]) -> ConsentRules:
        """Of several countries the strictest of each rule; of none that is known, those of all that have rules."""
        found = {self._regions.get(country, self._general) for country in possible}
        return _strictest(found or {self._general, *self._regions.values()})


def _strictest(of: Collection[ConsentRules]) -> ConsentRules:
    days = [rules.consent_days for rules in of if rules.consent_days is not None]
    return _versioned(
        ConsentRules(
            stop_reaches=max((rules.stop_reaches for rules in of), key=_REACHES.index),
            consent_for=max((rules.consent_for for rules in of), key=_CONSENT_FOR.index),
            consent_days=min(days, default=None),
            suspected=max((rules.suspected for rules in of), key=_SUSPECTED.index),
        )
    )


def _rules(settings: ConsentSettings) -> ConsentRules:
    return _versioned(
        ConsentRules(
            stop_reaches=settings.stop_reaches,
            consent_for=settings.consent_for,
            consent_days=settings.consent_days,
            suspected=settings.suspected,
        )
    )


def _versioned(rules: ConsentRules) -> ConsentRules:
    # The same rules have the same version, whoever computes it and whenever.
    version = hashlib.sha256(msgspec.json.encode(rules, order="sorted")).hexdigest()[:8]
    return msgspec.structs.replace(rules, version=version)
