"""Numbers in E.164 as the phonenumbers library reads them, in a fifth of its time: it reads whatever people write.

What the library knows of a country's numbers is taken from it; a test holds the two equal. Where a national prefix or a
leading zero may stand in a number, the library reads it.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber
from phonenumbers.phonemetadata import PhoneNumberDesc

_LONGEST_CODE = 3
_SHORTEST, _LONGEST = 7, 15
# What a country's plan knows of, the usual first.
_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number"),
    *("pager", "uan", "voicemail"),
)


class _Shape(NamedTuple):
    """What national numbers look like. `lengths`: none where any will do."""

    pattern: re.Pattern[str]
    lengths: tuple[int, ...]

    def fits(self, national: str) -> bool:
        return (not self.lengths or len(national) in self.lengths) and self.pattern.fullmatch(national) is not None


class _Region(NamedTuple):
    """A country of several that share a calling code. `leading`: what its numbers begin with, where that says all;
    else one fits `general`, and one of `kinds`."""

    name: str
    leading: re.Pattern[str] | None
    general: _Shape | None
    kinds: tuple[_Shape, ...]

    def has(self, national: str) -> bool:
        if self.leading is not None:
            return self.leading.match(national) is not None
        return self.general is not None and self.general.fits(national) and any(k.fits(national) for k in self.kinds)


def read(phone: str) -> PhoneNumber | None:
    """A number as the library reads it; None where it reads none."""
    digits = phone[1:]
    if phone.startswith("+") and digits.isascii() and digits.isdigit() and _SHORTEST <= len(digits) <= _LONGEST:
        for length in range(1, _LONGEST_CODE + 1):
            code = int(digits[:length])
            if code in COUNTRY_CODE_TO_REGION_CODE:
                national, prefix = digits[length:], _prefix(code)
                if national[0] == "0" or (prefix is not None and prefix.match(national)):
                    break
                return PhoneNumber(country_code=code, national_number=int(national))
    try:
        return phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None


def region_of(number: PhoneNumber) -> str | None:
    """The country of a number, `001` for what has a calling code and no country; None where it can be of none."""
    code = number.country_code or 0
    regions = COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    if len(regions) == 1:
        return regions[0]
    if number.italian_leading_zero:
        return phonenumbers.region_code_for_number(number)
    national = str(number.national_number)
    return next((one.name for one in _regions(code) if one.has(national)), None)


@cache
def _prefix(code: int) -> re.Pattern[str] | None:
    """What may stand before a national number, to be left out."""
    known = PhoneMetadata.metadata_for_region_or_calling_code(code, COUNTRY_CODE_TO_REGION_CODE[code][0])
    said = known.national_prefix_for_parsing if known else None
    return re.compile(said) if said else None


@cache
def _regions(code: int) -> tuple[_Region, ...]:
    return tuple(_made(COUNTRY_CODE_TO_REGION_CODE.get(code, ())))


def _made(names: tuple[str, ...]) -> Iterator[_Region]:
    for name in names:
        known = PhoneMetadata.metadata_for_region(name.upper(), None)
        if known is None:
            continue
        kinds = (_shape(getattr(known, kind)) for kind in _KINDS)
        leading = re.compile(known.leading_digits) if known.leading_digits is not None else None
        yield _Region(name, leading, _shape(known.general_desc), tuple(one for one in kinds if one is not None))


def _shape(said: PhoneNumberDesc | None) -> _Shape | None:
    if said is None or not said.national_number_pattern:
        return None
    return _Shape(re.compile(said.national_number_pattern), tuple(said.possible_length))
