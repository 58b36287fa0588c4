"""What an address is, judged in this one place: which kind, in which country, a person's or a sender's."""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

import phonenumbers

from services.domain.contact import BUSINESS_SCOPED, BY_NUMBER, REMEMBERED, bare, canonical, parts

# `id`: another channel's (`messenger:1034…`). `agent`: a sender by RCS. `withheld`: a number that stands for none.
Kind = Literal[
    "phone", "scoped_id", "short_code", "name", "agent", "id", "email", "masked", "withheld", "nothing", "unknown"
]

E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
BARE_NUMBER = re.compile(r"[1-9][0-9]{6,14}", re.ASCII)
# Channels on which one may write freely for 24 hours after each message of the person.
WINDOWED = frozenset({"whatsapp", "messenger"})
_SHORT_CODE = re.compile(r"[0-9]{3,8}", re.ASCII)
# With a letter: digits alone are a number that lost its plus.
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}", re.ASCII)
_AGENT = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9._:@+=-]{1,256}", re.ASCII)
# Others (`client:`, `sip:`, `tel:`) name no person that a message could reach.
_OTHER_CHANNELS = frozenset({"messenger", "instagram", "line", "viber", "telegram", "wechat", "gbm", "apple", "chat"})
# As people have them, in any script, bare: with what stands around one in a list it would be somebody else. With a dot
# in its host: `@everybody` and a handle are none. At most 254 characters, as mail has it.
_EMAIL = re.compile(r"(?=.{3,254}$)[^@\s<>()\[\]\\,;:\"*•]{1,64}@[\w-]+(?:\.[\w-]+)+")
_MASKED_EMAIL = re.compile(r"[^@\s]*[*•][^@\s]*@[^@\s]+|[^@\s]+@[^@\s]*[*•][^@\s]*")
# As Twilio's redaction leaves a number, or ours.
_MASKED = re.compile(r"\+?[0-9]{0,12}(?:[Xx]{3,}|[*•]{2,})[0-9]{0,4}")
# ANONYMOUS, BLOCKED, RESTRICTED, UNAVAILABLE, UNKNOWN, PRIVATE on a keypad: how networks write that there is no number.
_WITHHELD = frozenset({"+266696687", "+2562533", "+7378742833", "+86282452253", "+8656696", "+7748283"})
_WITHHELD_WORDS = frozenset({"anonymous", "blocked", "restricted", "unavailable", "unknown", "private"})
_TOLL_FREE = re.compile(r"\+18(?:00|33|44|55|66|77|88)[0-9]{7}", re.ASCII)
_PERSONS: frozenset[Kind] = frozenset({"phone", "scoped_id", "id"})
WRITE_E164 = "write it in E.164, such as +14155550123"
WHY_NOT: dict[Kind, str] = {
    "short_code": f"a short code is a sender, and no person reads what is sent to it; for a phone number {WRITE_E164}",
    "name": f"it has letters, so it is the name of a sender and no phone number; for a phone number {WRITE_E164}",
    "agent": f"rcs: and a name is a sender; for the person {WRITE_E164}",
    "email": f"an e-mail is no address of a message; for a phone number {WRITE_E164}",
    "masked": "Twilio or a log has masked it, so nobody can tell whose it was; give the whole address",
    "withheld": "it stands for a number that was withheld; nobody can be written to there",
    "nothing": f"it is empty; {WRITE_E164}",
    "unknown": f"not a phone number; {WRITE_E164}",
}


class Address(NamedTuple):
    """What an address is. `channel`: as it names it, else ""; `name`: without that; `country`: ISO code or None."""

    kind: Kind
    channel: str
    name: str
    canonical: str
    country: str | None = None
    toll_free: bool = False

    @property
    def is_person(self) -> bool:
        """May this be somebody who reads what is sent there?"""
        return self.kind in _PERSONS

    @property
    def may_say(self) -> bool:
        """May this be somebody who says yes or no? Also by e-mail, where no message reaches them."""
        return self.is_person or self.kind == "email"

    @property
    def why_not(self) -> str:
        """Why nobody can be written to there, or nothing."""
        return WHY_NOT.get(self.kind, "")


def kind(address: str) -> Kind:
    """What an address is, without asking in which country."""
    return _kind(*parts(address))


def is_person(address: str) -> bool:
    """May somebody read what is sent there? The same as `judge` has it, without asking in which country."""
    return kind(address) in _PERSONS


def judge(address: str) -> Address:
    """What an address is, as Twilio or a producer writes it. Total: what is no address is `unknown` or `nothing`."""
    return _judged_lately(address) if len(address) <= REMEMBERED else _judged(address)


@lru_cache(maxsize=1 << 10)
def parsed(phone: str) -> phonenumbers.PhoneNumber | None:
    """A number in E.164 as the library reads it, not to be changed; None where it reads none."""
    try:
        return phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None


def _judged(address: str) -> Address:
    channels, name = parts(address)
    channel = channels[-1] if channels else ""
    known = canonical(address)
    found = _kind(channels, name)
    if found == "scoped_id":
        return Address(found, channel, name, known, known[:2])
    if found != "phone":
        return Address(found, channel, name, known)
    return Address(found, channel, name, known, _country(known), _TOLL_FREE.fullmatch(known) is not None)


_judged_lately = lru_cache(maxsize=1 << 13)(_judged)


def countries(address: str) -> frozenset[str]:
    """Every country that an address may be of: its own, else all of its calling code; none where that is new too."""
    found = judge(address)
    if found.country:
        return frozenset({found.country})
    number = parsed(found.canonical) if found.kind == "phone" else None
    if number is None:
        return frozenset()
    # 001 is what has a calling code and no country, such as satellites.
    return frozenset(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[number.country_code or 0]) - {"001"}


def our_sender(address: str, channel: str) -> str | None:
    """One of ours as Twilio is given it on a channel, without that; None where it can be none of ours."""
    if channel in ("rcs", "messenger"):
        found = judge(address)
        ours = found.channel == channel and found.kind in ("agent", "id") and "+" not in found.name
        return found.name if ours else None
    name = bare(address)
    kinds = (E164,) if channel == "whatsapp" else (E164, _SHORT_CODE, _NAME)
    return name if any(kind.fullmatch(name) for kind in kinds) else None


def is_ours(address: str) -> bool:
    """May this, spelled just so, be a sender of ours, on whichever channel?"""
    found = judge(address)
    if f"{found.channel}:{found.name}".removeprefix(":") != address:
        return False
    if found.kind in ("id", "agent"):
        return "+" not in found.name
    by = "whatsapp" if found.channel == "whatsapp" else "sms"
    return our_sender(address, by) is not None and found.channel in ("", "whatsapp", "rcs")


def _kind(channels: tuple[str, ...], name: str) -> Kind:
    by_whatsapp = "whatsapp" in channels
    if not name:
        return "nothing"
    if channels and channels[-1] not in BY_NUMBER:
        return "id" if channels[-1] in _OTHER_CHANNELS and _ID.fullmatch(name) else "unknown"
    # A shop's name may have a dot too, but only WhatsApp's ids a digit.
    if BUSINESS_SCOPED.fullmatch(name) and (by_whatsapp or re.search("[0-9]", name)):
        return "scoped_id"
    if name in _WITHHELD or name.lower() in _WITHHELD_WORDS:
        return "withheld"
    if E164.fullmatch(name):
        return "phone"
    if _SHORT_CODE.fullmatch(name) and not (by_whatsapp and BARE_NUMBER.fullmatch(name)):
        return "short_code"
    if BARE_NUMBER.fullmatch(name):
        return "phone"
    if _MASKED.fullmatch(name) or _MASKED_EMAIL.fullmatch(name):
        return "masked"
    if not channels and _EMAIL.fullmatch(name):
        return "email"
    if "rcs" in channels and _AGENT.fullmatch(name):
        return "agent"
    return "name" if _NAME.fullmatch(name) else "unknown"


def _country(phone: str) -> str | None:
    number = parsed(phone)
    region = None if number is None else phonenumbers.region_code_for_number(number)
    return None if region == "001" else region
