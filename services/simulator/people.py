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
