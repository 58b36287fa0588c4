"""Whom a tenant may reach, by its settings: so that a staging tenant writes to its testers and to nobody else."""

import re
from collections.abc import Collection
from typing import NamedTuple

import phonenumbers

from services.domain.contact import bare, canonical

_ADDRESS = re.compile(r"\+[1-9][0-9]{6,14}|[A-Z]{2}\.[0-9A-Za-z.]+")
_BEGINNING = re.compile(r"(\+[1-9][0-9]{0,14}|[A-Z]{2}\.[0-9A-Za-z.]*)\*")
# A number of so many digits is whole, whatever a library's table says of its country.
_SURELY_WHOLE = 11


class Recipients(NamedTuple):
    """Addresses, in their one spelling, and what addresses may begin with."""

    addresses: Collection[str]
    beginnings: tuple[str, ...]

    def allow(self, to: str) -> bool:
        """Is this address, on whatever channel, one of them?"""
        if "" in self.beginnings:
            return True
        name, spellings = canonical(to), (bare(to), canonical(to))
        return name in self.addresses or any(one.startswith(self.beginnings) for one in spellings)


EVERYBODY = Recipients((), ("",))
NOBODY = Recipients((), ())


def recipients(patterns: Collection[str]) -> Recipients:
    """From the settings: `+14155550123`, `whatsapp:+14155550123`, `US.1349…`, or with a `*` all that begin so."""
    names = [bare(pattern) for pattern in patterns]
    return Recipients(
        frozenset(canonical(name) for name in names if not name.endswith("*")),
        tuple(name[:-1] for name in names if name.endswith("*")),
    )


def wrong_pattern(pattern: str) -> str | None:
    """What is wrong with an entry of the settings: one that is misread would reach strangers, or nobody."""
    name = bare(pattern)
    if _BEGINNING.fullmatch(name):
        return None
    if not _ADDRESS.fullmatch(name):
        return "write +E.164, a business-scoped id, or what they begin with and a *: +1415*"
    if name.startswith("+") and len(name) <= _SURELY_WHOLE and not _possible(name):
        return f"no whole number; for all that begin so write {name}*"
    return None


def _possible(number: str) -> bool:
    return phonenumbers.is_possible_number(phonenumbers.parse(number))
