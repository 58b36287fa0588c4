"""Whom a message is for, as Twilio is given it, or why it is for nobody.

What the network delivered is answerable whatever a library says of its length: plans change before their tables do.
Only what can't be anybody's is refused. A refusal too few costs an error of Twilio's; one too many a customer who is
never answered.
"""

import re

import phonenumbers

from services.domain.addresses import BARE_NUMBER, E164, WHY_NOT, WRITE_E164, Address, judge, parsed
from services.domain.contact import BY_NUMBER

# phonenumbers reads a number out of any text, its letters as on a keypad: from `US.1415…` a stranger's.
_NO_NUMBER = re.compile(r"[^\W\d_]|[;,#=@*:]")
_NORTH_AMERICA = 1
# Short codes have up to eight digits, some countries' numbers no more than seven.
_LIKE_A_NUMBER = 7
# National numbers have ten digits at the most in nearly all countries, so that these begin with the country.
_WITH_COUNTRY = 11
# By so many digits plans have grown or shrunk at once: Ivory Coast and Benin by two.
_CHANGE = 2


def recipient(address: str, channel: str, region: str | None = None) -> Address | str:
    """Whom a message by a channel is for, with `name` as Twilio is given it, or why it is for nobody.

    `region`: the country whose national numbers are understood; without it a number needs its plus.
    """
    found, whatsapp = judge(address), channel == "whatsapp"
    if channel == "messenger":
        known = found.kind == "id" and found.channel == channel and "+" not in found.name
        return found if known else "Messenger knows people by ids of its own; write it as their messages come from"
    if found.kind == "scoped_id":
        # As WhatsApp writes it; upper or lower case is the same id.
        return (
            found._replace(name=found.canonical) if whatsapp else "a business-scoped id is WhatsApp's; write whatsapp:"
        )
    if found.kind == "id":
        return f"an id of another channel, and no phone number; {WRITE_E164}"
    if found.channel and found.channel not in BY_NUMBER:
        return found.why_not
    if found.kind in ("phone", "unknown") or (found.kind == "short_code" and len(found.name) >= _LIKE_A_NUMBER):
        return _number(found, whatsapp, region)
    return found.why_not


def _number(found: Address, whatsapp: bool, region: str | None) -> Address | str:
    name = found.name
    if _NO_NUMBER.search(name):
        return WHY_NOT["unknown"]
    number = _read(name, region)
    if number is None:
        return _unparsed(found, whatsapp)
    whom = judge(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    # The library takes more digits in some countries than E.164 has: Twilio could not be given those.
    if _possible(number) and whom.kind == "phone":
        return whom
    # What Twilio writes is E.164; what a person writes may be anything.
    delivered = E164.fullmatch(name) is not None
    if delivered and (whatsapp or found.canonical != name or _may_be_new(number)):
        return judge(name)
    return "no such phone number can exist; check its country code and length"


def _read(name: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    if E164.fullmatch(name):
        # Of no region, and read before, where its country was looked for.
        return parsed(name)
    try:
        return phonenumbers.parse(name, region)
    except phonenumbers.NumberParseException:
        return None


def _unparsed(found: Address, whatsapp: bool) -> Address | str:
    if found.name.startswith("+"):
        # WhatsApp knows of countries that the library does not.
        return judge(found.name) if whatsapp and found.kind == "phone" else "no country has this calling code; check it"
    if found.channel == "whatsapp" and len(found.name) >= _WITH_COUNTRY and BARE_NUMBER.fullmatch(found.name):
        # WhatsApp's own ids are numbers without the plus.
        return judge(f"+{found.name}")
    if not re.search("[0-9]", found.name):
        return WHY_NOT["unknown"]
    return f"digits without + are of no country, unless the tenant has a default_region; {WRITE_E164}"


def _possible(number: phonenumbers.PhoneNumber) -> bool:
    # Not is_possible_number: it takes a number without its area code too.
    return phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE


def _may_be_new(number: phonenumbers.PhoneNumber) -> bool:
    """May a plan that the library does not know yet, or knows no more, hold a number of this length?"""
    code = number.country_code or 0
    if code == _NORTH_AMERICA:
        return False
    lengths = [length for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code] for length in _lengths(code, region)]
    length = len(phonenumbers.national_significant_number(number))
    return bool(lengths) and min(lengths) - _CHANGE <= length <= max(lengths) + _CHANGE


def _lengths(code: int, region: str) -> tuple[int, ...]:
    known = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    return tuple(known.general_desc.possible_length) if known and known.general_desc else ()
