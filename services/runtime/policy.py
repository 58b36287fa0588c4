"""The tenants' consent settings as the domain wants them."""

import hashlib

import msgspec

from services.domain.consent.confirmation import Texts
from services.domain.consent.keywords import Words, normalise
from services.domain.messages.gate import ConsentRules
from services.runtime.config import ConsentSettings, Settings


def consent_words(settings: Settings) -> dict[str, Words]:
    """Each tenant's own words, normalised."""
    return {
        name: Words(
            frozenset(map(normalise, tenant.consent.stop_words)), frozenset(map(normalise, tenant.consent.start_words))
        )
        for name, tenant in settings.tenants.items()
    }


def confirmation_texts(settings: Settings) -> dict[str, Texts]:
    return {
        name: Texts(tenant.consent.confirm_stop, tenant.consent.confirm_start)
        for name, tenant in settings.tenants.items()
    }


class Policy:
    """A tenant's rules by the recipient's country."""

    def __init__(self, settings: ConsentSettings) -> None:
        self._general = _rules(settings)
        self._regions = {
            country: _rules(settings.model_copy(update=region.model_dump(exclude_none=True)))
            for country, region in settings.regions.items()
        }

    def rules(self, country: str | None) -> ConsentRules:
        return self._regions.get(country or "", self._general)


def _rules(settings: ConsentSettings) -> ConsentRules:
    rules = ConsentRules(
        stop_reaches=settings.stop_reaches, consent_for=settings.consent_for, consent_days=settings.consent_days
    )
    # The same rules have the same version, whoever computes it and whenever.
    version = hashlib.sha256(msgspec.json.encode(rules, order="sorted")).hexdigest()[:8]
    return msgspec.structs.replace(rules, version=version)
