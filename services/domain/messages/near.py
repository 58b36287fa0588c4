"""How near a sender's number is to a person's: people take up what comes from their own town. Pure."""

from functools import lru_cache
from typing import NamedTuple

import phonenumbers

from services.domain.addresses import judge, parsed


def nearest(senders: list[str], number: str) -> list[str]:
    """Those of the number's country and area code; else those of its country; else, or where nobody can tell, all."""
    theirs = _place(number)
    if theirs is None:
        return senders
    places = [(sender, _place(sender)) for sender in senders]
    town = [sender for sender, place in places if place == theirs] if theirs.area else []
    return town or [sender for sender, place in places if place and place.country == theirs.country] or senders


class _Place(NamedTuple):
    country: str
    area: str


@lru_cache(maxsize=1 << 12)
def _place(address: str) -> _Place | None:
    """Country and area code; a mobile's number has the latter only where the country says so."""
    found = judge(address)
    number = parsed(found.canonical) if found.kind == "phone" and found.country else None
    if number is None or found.country is None:
        return None
    digits = phonenumbers.length_of_geographical_area_code(number)
    return _Place(found.country, phonenumbers.national_significant_number(number)[:digits])
