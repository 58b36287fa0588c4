"""Which spellings are one person's, and which sender of ours a STOP is about."""

import re

_CHANNELS = ("whatsapp:", "rcs:", "messenger:", "sms:", "mms:", "instagram:")
_PLAIN_SENDER = re.compile(r"(whatsapp:|rcs:)?(\+[1-9][0-9]{6,14}|[0-9]{3,6})")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


def person(address: str) -> str:
    """One spelling of an address, without its channel."""
    name = address.strip()
    while channel := next((one for one in _CHANNELS if name[: len(one)].lower() == one), ""):
        name = name[len(channel) :].lstrip()
    if "@" in name:
        return name.lower()
    if re.fullmatch(r"[A-Za-z]{2}\.[0-9A-Za-z]+", name):
        return name[:2].upper() + name[2:]
    if not re.fullmatch(r"\+?[0-9]{7,15}", name):
        return name
    return _one_spelling("+" + name.lstrip("+"))


def _one_spelling(phone: str) -> str:
    """Mobiles of Brazil, Mexico and Argentina are written in two ways."""
    if phone.startswith("+55") and len(phone) == 13 and phone[3] != "0" and phone[5] in "6789":
        return f"{phone[:5]}9{phone[5:]}"
    if phone.startswith(("+521", "+549")) and len(phone) == 14:
        return phone[:3] + phone[4:]
    return phone


def scope(sender: str) -> str | None:
    """The scope of a sender of ours; None where its spelling leaves room for doubt."""
    if _SERVICE.fullmatch(sender):
        return f"service:{sender}"
    if not _PLAIN_SENDER.fullmatch(sender) or person(sender) not in sender:
        return None
    return f"sender:{sender}"
