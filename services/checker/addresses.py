"""Which spellings are one person's, and which sender of ours a STOP is about."""

import re

# By these a person is reached under their number; whatever else stands before a colon has names of its own.
_CHANNELS = ("whatsapp:", "rcs:", "sms:", "mms:")
_PLAIN_SENDER = re.compile(r"(whatsapp:)?(\+[1-9][0-9]{6,14}|[0-9]{3,6})")
_OWN_NAMES = re.compile(r"([A-Za-z][A-Za-z0-9]+):(.*)", re.DOTALL)
# Ivory Coast in 2021 put the operator in front of eight digits: which one it was, the first two say of mobiles,
# the first three of fixed lines.
_IVORIAN = {
    "01": "01 02 03 40 41 42 43 50 51 52 53 70 71 72 73",
    "05": "04 05 06 44 45 46 54 55 56 64 65 66 74 75 76 84 85 86 94 95 96",
    "07": "07 08 09 47 48 49 57 58 59 67 68 77 78 79 87 88 89 97 98",
    "21": "208 218 228 238",
    "25": "200 210 220 230 240 300 310 320 330 340 350 360",
    "27": "202 203 212 213 215 217 224 225 234 235 243 244 245 306 316 319 327 337 347",
}
# Vietnam in 2018 shortened what stands before the last seven digits.
_VIETNAMESE = {
    **{f"16{digit}": f"3{digit}" for digit in range(2, 10)},
    **{"120": "70", "121": "79", "122": "77", "126": "76", "128": "78"},
    **{"123": "83", "124": "84", "125": "85", "127": "81", "129": "82"},
    **{"186": "56", "188": "58", "199": "59"},
}
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


def person(address: str) -> str:
    """One spelling of an address, without its channel."""
    name = address.strip()
    while channel := next((one for one in _CHANNELS if name[: len(one)].lower() == one), ""):
        name = name[len(channel) :].lstrip()
    if own := _OWN_NAMES.fullmatch(name):
        return f"{own[1].lower()}:{own[2].strip()}"
    if re.fullmatch(r"[A-Za-z]{2}(\.[0-9A-Za-z]+)+", name):
        return name[:2].upper() + name[2:]
    if re.fullmatch(r"\+?[0-9]{7,15}", name):
        return _one_spelling("+" + name.lstrip("+"))
    if "@" in name:
        return name.lower()
    return f"rcs:{name}" if name and address.strip().lower().startswith("rcs:") else name


def _one_spelling(phone: str) -> str:
    """Mobiles of Brazil, Mexico and Argentina are written in two ways, and so are numbers of renumbered plans."""
    if phone.startswith("+55") and len(phone) == 13 and phone[3] != "0" and phone[5] in "6789":
        return f"{phone[:5]}9{phone[5:]}"
    if phone.startswith(("+521", "+549")) and len(phone) == 14:
        return phone[:3] + phone[4:]
    country, rest = phone[:4], phone[4:]
    if country == "+225" and len(rest) == 8:
        fits = [front for front, old in _IVORIAN.items() if {rest[:2], rest[:3]} & set(old.split())]
        return f"{country}{fits[0]}{rest}" if fits else phone
    if country == "+229" and len(rest) == 8 and rest[0] in "24569":
        return f"{country}01{rest}"
    if country == "+237" and len(rest) == 8 and rest[0] in "79":
        return f"{country}6{rest}"
    if phone.startswith("+84") and len(phone) == 13 and phone[3:6] in _VIETNAMESE:
        return f"+84{_VIETNAMESE[phone[3:6]]}{phone[6:]}"
    return phone


def scope(sender: str) -> str | None:
    """The scope of a sender of ours; None where its spelling leaves room for doubt."""
    if _SERVICE.fullmatch(sender):
        return f"service:{sender}"
    # A number of ours is one sender by RCS and by SMS.
    sender = sender.removeprefix("rcs:") if sender.startswith("rcs:+") else sender
    if not _PLAIN_SENDER.fullmatch(sender) or person(sender) not in sender:
        return None
    return f"sender:{sender}"
