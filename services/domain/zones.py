"""Where a person may be: the time zones that an address may be of. Total; the library's data says which."""

from functools import lru_cache

import phonenumbers
from phonenumbers import timezone

from services.domain.addresses import countries, judge


@lru_cache(maxsize=1 << 12)
def zones_of(address: str) -> tuple[str, ...]:
    """All zones, by their IANA names, in which somebody with this address may be; none where nothing is known.

    A number tells its area; a mobile number, and an id without one, no more than its country.
    """
    found = judge(address)
    if found.kind == "phone":
        return _of_number(found.canonical)
    return tuple(sorted({zone for country in countries(address) for zone in _of_country(country)}))


def _of_number(phone: str) -> tuple[str, ...]:
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return ()
    return _known(timezone.time_zones_for_number(number)) or _of_calling_code(number.country_code or 0)


def _of_country(country: str) -> tuple[str, ...]:
    return _of_calling_code(phonenumbers.country_code_for_region(country))


def _of_calling_code(code: int) -> tuple[str, ...]:
    # A plan may have numbers that the library does not know yet: they are somewhere in it.
    of_all = phonenumbers.PhoneNumber(country_code=code, national_number=0)
    return _known(timezone.time_zones_for_geographical_number(of_all))


def _known(zones: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE)
