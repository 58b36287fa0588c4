"""Who is one person: a phone number in either of its spellings, and WhatsApp's business-scoped ids for it.

Written from what carriers and WhatsApp do, apart from the product's own rules: a fake that shares them would
agree with their mistakes.
"""

import re
from collections import defaultdict

# Countries whose mobile numbers are written in two ways: (the usual spelling, the other one), and back.
_SPELLINGS = (
    # Brazil's ninth digit, which WhatsApp leaves out for older accounts.
    (re.compile(r"\+55(\d\d)9([6-9]\d{7})"), r"+55\1\2", re.compile(r"\+55(\d\d)([6-9]\d{7})"), r"+55\g<1>9\2"),
    # The digit for mobiles that Mexico gave up and that WhatsApp keeps.
    (re.compile(r"\+52(\d{10})"), r"+521\1", re.compile(r"\+521(\d{10})"), r"+52\1"),
    # The digit for mobiles that Argentina has from abroad.
    (re.compile(r"\+54(\d{10})"), r"+549\1", re.compile(r"\+549(\d{10})"), r"+54\1"),
    # Ivory Coast, since 2021: mobiles have their operator's two digits in front. WhatsApp keeps who registered before
    # under the old number (github.com/devlikeapro/waha/issues/1894).
    *(
        (re.compile(rf"\+225{operator}({own})"), r"+225\1", re.compile(rf"\+225({own})"), rf"+225{operator}\1")
        for operator, own in (
            ("01", r"(?:0[123]|4[0-3]|5[0-3]|7[0-3])\d{6}"),
            ("05", r"(?:0[456]|4[456]|5[456]|6[456]|7[456]|8[456]|9[456])\d{6}"),
            ("07", r"(?:0[789]|4[789]|5[789]|6[78]|7[789]|8[789]|9[78])\d{6}"),
            # Fixed lines, by the digit that told the operator.
            ("21", r"2[0-3]8\d{5}"),
            ("25", r"(?:2[0-4]|3[0-6])0\d{5}"),
            ("27", r"(?:20[23]|21[2357]|22[45]|23[45]|24[345]|306|316|319|327|337|347)\d{5}"),
        )
    ),
    # Benin, since November 2024: 01 in front of what there was. That WhatsApp keeps the old one is not confirmed.
    (re.compile(r"\+22901([24569]\d{7})"), r"+229\1", re.compile(r"\+229([24569]\d{7})"), r"+22901\1"),
    # Cameroon, since 2014: a 6 before mobiles. Not confirmed of WhatsApp.
    (re.compile(r"\+2376([79]\d{7})"), r"+237\1", re.compile(r"\+237([79]\d{7})"), r"+2376\1"),
    # Vietnam, since 2018: eleven digits at home became ten. Not confirmed of WhatsApp.
    *(
        (re.compile(rf"\+84{new}(\d{{7}})"), rf"+84{old}\1", re.compile(rf"\+84{old}(\d{{7}})"), rf"+84{new}\1")
        for olds, news in (
            ("162 163 164 165 166 167 168 169", "32 33 34 35 36 37 38 39"),
            ("120 121 122 126 128", "70 79 77 76 78"),
            ("123 124 125 127 129", "83 84 85 81 82"),
            ("186 188 199", "56 58 59"),
        )
        for old, new in zip(olds.split(), news.split(), strict=True)
    ),
)


def usual(number: str) -> str:
    """The number in the usual one of its spellings; what has only one is itself."""
    for _, _, other, to_usual in _SPELLINGS:
        if found := other.fullmatch(number):
            return found.expand(to_usual)
    return number


def variant(number: str) -> str | None:
    """The number in the other spelling: +55 without the ninth digit, +521…, +549…; None if there is only one."""
    for plain, to_other, _, _ in _SPELLINGS:
        if found := plain.fullmatch(usual(number)):
            return found.expand(to_other)
    return None


class People:
    """Which phone number stands behind which business-scoped id, as far as inbound messages told."""

    def __init__(self) -> None:
        self._phones: dict[str, str] = {}
        self._ids: defaultdict[str, set[str]] = defaultdict(set)

    def clear(self) -> None:
        self._phones.clear()
        self._ids.clear()

    def link(self, scoped_id: str, phone: str) -> None:
        """Take note that both are one person."""
        self._phones[scoped_id] = usual(phone)
        self._ids[usual(phone)].add(scoped_id)

    def names(self, address: str) -> frozenset[str]:
        """Every name of a person on the address's channel: a block or a window under one of them is theirs."""
        prefix, _, bare = address.rpartition(":")
        name = usual(bare)
        phone = self._phones.get(name, name)
        return frozenset(f"{prefix}:{each}" for each in {name, phone, *self._ids.get(phone, ())})
