"""How near a sender's number is to a person's: people take up what comes from their own town. Pure."""

from functools import lru_cache

import phonenumbers

from services.domain.addresses import judge, parsed


def nearness(sender: str, number: str) -> int:
    """2: of the same country and area code; 1: of the same country; 0: neither, or nobody can tell."""
    ours, theirs = _place(sender), _place(number)
    if ours is None or theirs is None or ours[0] != theirs[0]:
        return 0
    return 2 if ours[1] and ours[1] == theirs[1] else 1


@lru_cache(maxsize=1 << 12)
def _place(address: str) -> tuple[str, str] | None:
    """Country and area code; a mobile's number has the latter only where the country says so."""
    found = judge(address)
    number = parsed(found.canonical) if found.kind == "phone" and found.country else None
    if number is None or found.country is None:
        return None
    digits = phonenumbers.length_of_geographical_area_code(number)
    return found.country, phonenumbers.national_significant_number(number)[:digits]
