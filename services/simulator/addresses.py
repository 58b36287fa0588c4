"""What Twilio takes for an address. Magic numbers behave as under Twilio's test credentials."""

import re

import phonenumbers

from services.simulator import errors
from services.simulator.errors import Refusal
from services.simulator.people import usual

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SHORT_CODE = re.compile(r"\d{3,8}")
_ALPHANUMERIC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}")
# WhatsApp's business-scoped user id: a country, a dot, an opaque part; no phone number stands behind it. That of a
# parent has `ENT.` before the opaque part. Nobody could confirm which spellings Twilio's To takes.
_SCOPED_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_AGENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# A person by their id for one page, and a page. Twilio shows digits alone; how many is not confirmed.
_MESSENGER_ID = re.compile(r"\d{5,32}")
_MAGIC_TO = {
    "+15005550001": errors.INVALID_TO,
    "+15005550009": errors.NOT_MOBILE,
    "+15005550004": errors.OPTED_OUT,
}
_MAGIC_FROM_NOT_CAPABLE = "+15005550000"


def channel(address: str) -> str:
    """`whatsapp` and the like from `whatsapp:+…`; `sms` when the address has no prefix."""
    prefix, colon, _ = address.partition(":")
    return prefix if colon else "sms"


def bare(address: str) -> str:
    """The address without its channel's prefix."""
    return address.rpartition(":")[2]


def is_toll_free(address: str) -> bool:
    """Whether it is a US or Canadian toll-free number, by SMS or MMS."""
    return re.fullmatch(r"\+1(?:800|833|844|855|866|877|888)\d{7}", address) is not None


def is_phone(number: str) -> bool:
    """Whether it is E.164 in shape and its length is possible in its country, in either spelling."""
    if not _E164.fullmatch(number):
        return False
    return phonenumbers.is_possible_number(phonenumbers.parse(usual(number)))


def is_scoped_id(name: str) -> bool:
    """Whether it is a business-scoped id, such as US.13491208655302741918."""
    return _SCOPED_ID.fullmatch(name) is not None


def country(address: str) -> str:
    """ISO country of a phone address, or an empty string."""
    number = bare(address)
    if not is_phone(number):
        return ""
    return phonenumbers.region_code_for_number(phonenumbers.parse(usual(number))) or ""


def refuse_recipient(to: str) -> Refusal | None:
    """Why nothing can be sent to this address, or None."""
    if magic := _MAGIC_TO.get(bare(to)):
        return magic.about(to) if "%s" in magic.message else magic
    if channel(to) == "messenger":
        reachable = _MESSENGER_ID.fullmatch(bare(to)) is not None
    else:
        reachable = is_phone(bare(to)) or (channel(to) == "whatsapp" and is_scoped_id(bare(to)))
    return None if reachable else errors.INVALID_TO.about(to)


def refuse_sender(sender: str, owned: tuple[str, ...]) -> Refusal | None:
    """Why nothing can be sent from this address, or None. `owned` empty: every address is ours."""
    number = bare(sender)
    if number == _MAGIC_FROM_NOT_CAPABLE:
        return errors.FROM_NOT_CAPABLE.about(sender)
    if channel(sender) != "sms":
        shapes = {"rcs": _AGENT.fullmatch, "messenger": _MESSENGER_ID.fullmatch}
        known = bool(shapes.get(channel(sender), is_phone)(number)) and (not owned or sender in owned)
        return None if known else errors.NO_CHANNEL
    if not (is_phone(number) or _SHORT_CODE.fullmatch(number) or _ALPHANUMERIC.fullmatch(number)):
        return errors.INVALID_FROM.about(sender)
    return errors.FROM_NOT_CAPABLE.about(sender) if owned and sender not in owned else None


def refuse_fallback(sender: str, owned: tuple[str, ...]) -> Refusal | None:
    """Why RCS cannot fall back to this sender, or None. It need not be in the service's pool."""
    number = bare(sender)
    shaped = is_phone(number) or _SHORT_CODE.fullmatch(number) or _ALPHANUMERIC.fullmatch(number)
    good = channel(sender) == "sms" and shaped and (not owned or sender in owned)
    return None if good else errors.INVALID_FALLBACK


def from_pool(to: str, owned: tuple[str, ...]) -> str:
    """The sender that a Messaging Service picks: the first owned one of the recipient's channel."""
    unset = {"rcs": "rcs:agent_of_twilio", "messenger": "messenger:150055500060", "whatsapp": "whatsapp:+15005550006"}
    return next((one for one in owned if channel(one) == channel(to)), unset.get(channel(to), "+15005550006"))
