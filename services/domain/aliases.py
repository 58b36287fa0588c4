"""The spellings of one person's phone number: a frozen table, so that no library moves anybody to another key.

A row stands here only where the old form can be nobody's number today. A change is a new ALIAS_VERSION and a migration
of every topic keyed by contact (`docs/addresses.md`).
"""

import re
from typing import NamedTuple

ALIAS_VERSION = 2


class Alias(NamedTuple):
    """One spelling of a number, and the other that is ours. `since`: when the plan changed."""

    country: str
    since: str
    why: str
    old: re.Pattern[str]
    ours: str


def _alias(country: str, since: str, why: str, old: str, ours: str) -> Alias:
    return Alias(country, since, why, re.compile(old, re.ASCII), ours)


# Of five Vietnamese operators, 15 September 2018: what stood before the last seven digits, and what stands there now.
# Ministry of Information and Communications, as in sggpnews.org.vn of 2018-08 and aptoide's convert-phone-numbers.
_VIETNAM = {
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
    "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    "186": "56", "188": "58", "199": "59",
}  # fmt: skip

ALIASES = (
    _alias("BR", "2012-07-29", "mobiles got a ninth digit", r"\+55([1-9][0-9])([6-9][0-9]{7})", r"+55\g<1>9\2"),
    _alias("MX", "2019-08-03", "the 1 before mobiles went; WhatsApp keeps it", r"\+521([0-9]{10})", r"+52\1"),
    _alias("AR", "1999-01-24", "mobiles have a 9 from abroad, and none at home", r"\+549([0-9]{10})", r"+54\1"),
    # Ivory Coast, 8 to 10 digits (ARTCI; its notice to the ITU, E.129): the operator's prefix comes in front. Which
    # operator it is was said by the first two digits of mobiles, by the third of fixed lines (libphonenumber 8.12.10;
    # github.com/aurellemeless/cipnn). 60, 61, 69, 359 and 368 are left out: sources differ, or the operator was gone.
    _alias("CI", "2021-01-31", "Moov's mobiles", r"\+225((?:0[1-3]|[45][0-3]|7[0-3])[0-9]{6})", r"+22501\1"),
    _alias("CI", "2021-01-31", "MTN's mobiles", r"\+225((?:0[4-6]|[45678][4-6]|9[4-6])[0-9]{6})", r"+22505\1"),
    _alias("CI", "2021-01-31", "Orange's mobiles",
           r"\+225((?:0[7-9]|[4578][7-9]|6[78]|9[78])[0-9]{6})", r"+22507\1"),
    _alias("CI", "2021-01-31", "Moov's fixed lines", r"\+225(2[0-3]8[0-9]{5})", r"+22521\1"),
    _alias("CI", "2021-01-31", "MTN's fixed lines", r"\+225((?:2[0-4]|3[0-6])0[0-9]{5})", r"+22525\1"),
    _alias("CI", "2021-01-31", "Orange's fixed lines",
           r"\+225((?:20[23]|21[2357]|22[45]|23[45]|24[345]|306|31[69]|3[2-4]7)[0-9]{5})", r"+22527\1"),
    # Benin, 8 to 10 digits (github.com/mobi/telephone_number/issues/138; the package numero-uemoa): 01 before all.
    _alias("BJ", "2024-11-30", "01 in front of all", r"\+229([24-69][0-9]{7})", r"+22901\1"),
    # Cameroon, 8 to 9 digits (africatopsuccess.com; commsupdate.com of 2007-03-12 for the 7 and 9): a 6 before mobiles.
    # Fixed lines are left out: sources differ on whether 33 became 233 or 243.
    _alias("CM", "2014-11-21", "6 in front of mobiles", r"\+237([79][0-9]{7})", r"+2376\1"),
    *(
        _alias("VN", "2018-09-15", f"0{old} became 0{new}", rf"\+84{old}([0-9]{{7}})", rf"+84{new}\1")
        for old, new in _VIETNAM.items()
    ),
)  # fmt: skip
# One look says of nearly every number that it has no other spelling.
_ANY = re.compile(r"\+(?:55|521|549|225|229|237[79]|841)", re.ASCII)


def one_spelling(phone: str) -> str:
    """The one spelling of a number in E.164. What has no other one comes back as it is."""
    if not _ANY.match(phone):
        return phone
    return next((found.expand(alias.ours) for alias in ALIASES if (found := alias.old.fullmatch(phone))), phone)
