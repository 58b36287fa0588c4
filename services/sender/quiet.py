"""A tenant's quiet hours, as the gate is told of them."""

from services.domain.addresses import countries
from services.domain.quiet import Hours, Quiet, look
from services.domain.zones import zones_of
from services.runtime.country_rows import ROWS
from services.runtime.policy import hours_of
from services.runtime.tenants.sections.times import QuietSettings


class QuietHours:
    """When a tenant leaves people alone."""

    def __init__(self, settings: QuietSettings) -> None:
        self._purposes = frozenset(settings.purposes)
        self._everywhere = hours_of(settings.hours)
        self._countries = {country: hours_of(hours) for country, hours in settings.countries.items()}

    def look(self, purpose: str, address: str, now: str) -> Quiet | None:
        """Whether it is night where the address may be; None: that is no matter for messages of this purpose."""
        if purpose not in self._purposes:
            return None
        # Where the country is not known, the hours of all that it may be.
        found = [one for country in sorted(countries(address)) or [""] for one in self._of(country)]
        hours = [one for number, one in enumerate(found) if one not in found[:number]]
        return look(now, hours, zones_of(address))

    def _of(self, country: str) -> tuple[Hours, ...]:
        own = self._countries.get(country)
        if own is not None:
            return (own,)
        known = ROWS.get(country)
        return (self._everywhere,) if known is None or known.hours is None else (self._everywhere, known.hours)
