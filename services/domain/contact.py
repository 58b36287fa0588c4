"""Who a message is to or from: one canonical address per person, and the key that stands for it on the log.

The rules here are ours and frozen, as those in `aliases`: a library upgrade must never move a person to another key.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from services.domain.aliases import one_spelling
from services.domain.keyed import keyed_digest

# ASCII, so that no update of Unicode's tables changes what a channel is. By these a person is their number.
BY_NUMBER = frozenset({"whatsapp", "sms", "mms", "rcs"})
_PREFIX = re.compile(r"([A-Za-z][A-Za-z0-9]{1,31}):\s*", re.ASCII)
# What people paste with a number, and is not seen: marks of direction and joining. And digits of other scripts.
_UNSEEN = [0xAD, 0x61C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
_PLAIN: dict[int, str] = {
    **dict.fromkeys(_UNSEEN, ""),
    **{zero + digit: str(digit) for zero in (0x660, 0x6F0, 0xFF10) for digit in range(10)},
    0xFF0B: "+",
}
# WhatsApp's id of a person for one business: a country, then parts of letters and digits. A parent id, of several
# businesses, has one more: `US.ENT.1349…`. Meta: up to 128 characters after the country.
BUSINESS_SCOPED = re.compile(r"[A-Za-z]{2}(?=\.[0-9A-Za-z.]{1,128}$)(?:\.[0-9A-Za-z]+)+", re.ASCII)
_PHONE = re.compile(r"\+?[0-9]{7,15}", re.ASCII)


# Longer texts than any address has are anybody's, and are not kept for the next time.
REMEMBERED = 128


class Parts(NamedTuple):
    """An address taken apart: the channels that it names, in order, and what stands after them."""

    channels: tuple[str, ...]
    name: str


def parts(address: str) -> Parts:
    """`whatsapp:+14155550123` → (`whatsapp`), `+14155550123`. A channel that is written twice is named once."""
    return _parts_lately(address) if len(address) <= REMEMBERED else _parts(address)


def _parts(address: str) -> Parts:
    name = address.translate(_PLAIN).strip()
    channels: list[str] = []
    while prefix := _PREFIX.match(name):
        channel = prefix[1].lower()
        # An id's own colon is the id's.
        if channels and channels[-1] not in BY_NUMBER and channel != channels[-1]:
            break
        if channel not in channels:
            channels.append(channel)
        name = name[prefix.end() :].strip()
    return Parts(tuple(channels), name)


_parts_lately = lru_cache(maxsize=1 << 12)(_parts)


def bare(address: str) -> str:
    """An address without its channel, however often that was written: `whatsapp:+14155550123` → `+14155550123`."""
    return parts(address).name


def canonical(address: str) -> str:
    """The one spelling of an address: `+14155550123`, `US.1349…`, `messenger:1034…`, or a lower-cased e-mail.

    Total: what is none of these (a short code, an alphanumeric sender, nothing at all) comes back stripped.
    """
    return _canonical_lately(address) if len(address) <= REMEMBERED else _canonical(address)


def _canonical(address: str) -> str:
    channels, name = parts(address)
    # Each channel's ids are of its own: `messenger:14155550123` is nobody's phone.
    if channels and channels[-1] not in BY_NUMBER:
        return f"{channels[-1]}:{name}"
    if BUSINESS_SCOPED.fullmatch(name):
        return name[:2].upper() + name[2:]
    if _PHONE.fullmatch(name):
        return one_spelling(name if name.startswith("+") else f"+{name}")
    if "@" in name:
        return name.lower()
    # A sender by RCS is an agent; a person there is their number.
    return f"rcs:{name}" if "rcs" in channels and name else name


_canonical_lately = lru_cache(maxsize=1 << 12)(_canonical)


def contact_key(tenant: str, address: str, secret: bytes) -> str:
    """The key of a person on the log: `{tenant}|` and 32 hex digits of HMAC-SHA256 with the tenant's secret."""
    # A lone surrogate is no reason to lose a fact: it gets a key too.
    name = canonical(address).encode("utf-8", "surrogatepass")
    return f"{tenant}|{keyed_digest(secret, name)[:16].hex()}"
