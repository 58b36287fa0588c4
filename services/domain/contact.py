"""Who a message is to or from: one canonical address per person, and the key that stands for it on the log.

The rules here are ours and frozen: a library upgrade must never move a person to another key. A change of
rule is a new ALIAS_VERSION and a migration of every topic keyed by contact.
"""

import hashlib
import hmac
import re

ALIAS_VERSION = 1

# ASCII, so that no update of Unicode's tables changes what a channel is.
_CHANNEL = re.compile(r"(?:whatsapp|rcs|messenger|sms|mms|instagram):", re.IGNORECASE | re.ASCII)
_BUSINESS_SCOPED = re.compile(r"[A-Za-z]{2}\.[0-9A-Za-z]+")
_PHONE = re.compile(r"\+?[0-9]{7,15}")
# Each is one person whom carriers and WhatsApp write in two ways: the one spelling, and the other that is ours.
_ALIASES = (
    (re.compile(r"\+55([1-9][0-9])([6-9][0-9]{7})"), r"+55\g<1>9\2"),  # Brazil without the ninth digit
    (re.compile(r"\+521([0-9]{10})"), r"+52\1"),  # Mexico with the mobile 1
    (re.compile(r"\+549([0-9]{10})"), r"+54\1"),  # Argentina with the mobile 9
)


def bare(address: str) -> str:
    """An address without its channel, however often that was written: `whatsapp:+14155550123` → `+14155550123`."""
    name = address.strip()
    while channel := _CHANNEL.match(name):
        name = name[channel.end() :].lstrip()
    return name


def canonical(address: str) -> str:
    """The one spelling of an address: `+14155550123`, `US.1349…`, or a lower-cased e-mail.

    Total: what is none of these (a short code, an alphanumeric sender, nothing at all) comes back stripped.
    """
    name = bare(address)
    if "@" in name:
        return name.lower()
    if _BUSINESS_SCOPED.fullmatch(name):
        return name[:2].upper() + name[2:]
    if not _PHONE.fullmatch(name):
        return name
    phone = name if name.startswith("+") else f"+{name}"
    for spelling, ours in _ALIASES:
        if found := spelling.fullmatch(phone):
            return found.expand(ours)
    return phone


def contact_key(tenant: str, address: str, secret: bytes) -> str:
    """The key of a person on the log: `{tenant}|` and 32 hex digits of HMAC-SHA256 with the tenant's secret."""
    # A lone surrogate is no reason to lose a fact: it gets a key too.
    name = canonical(address).encode("utf-8", "surrogatepass")
    digest = hmac.digest(secret, name, hashlib.sha256)
    return f"{tenant}|{digest[:16].hex()}"
