"""Personal addresses in logs and on screens: the one place where a number is masked.

Digits that are no address (an offset, an amount) may fall to `scrub` too: a log that says too little can be
mended, one that says too much cannot.
"""

import re
from urllib.parse import unquote

from services.domain.contact import bare

_DOTS = "•••••"
# What commands a terminal or ends a line; what turns the writing around, so that a line reads otherwise than it is; and
# what nobody sees, which would hide a number from the search for it.
_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNSEEN = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
# Strangers may choose this text, so the time must not grow with its square: a local part is tried where its characters
# begin; or where a number or an e-mail may just have ended, for as many characters as it may have (64).
_LOCAL = r"(?:(?<![\w.+-])[\w.+-]++|(?:(?<=\d)|(?<=[\w-])(?=[.+]))[\w.+-]{1,64}+)"
_EMAIL = rf"{_LOCAL}(?:@|%40)[\w-]++(?:\.[\w-]++)++"
# `%2B` is a plus in a URL. Letters around bare digits make them part of an id, which is no address. Bare digits may
# begin anywhere, so they are bounded; what is longer is found in pieces.
_PHONE = r"(?:\+|%2[Bb])\d[\d ().-]{5,}\d|(?<![\w.+-])\(?\d[\d ().-]{5,64}\d(?![\w-])"
# WhatsApp's own name for a person: a country and a long number; that of a parent has `ENT` between the two.
_SCOPED = r"(?<![A-Za-z])[A-Za-z]{2}\.(?:ENT\.)?\d[0-9A-Za-z]{6,40}+"
_SUSPECT = re.compile(f"{_EMAIL}|{_SCOPED}|{_PHONE}")
_HARMLESS = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d)?|\d{1,3}(?:\.\d{1,3}){3}")
_ESCAPED = re.compile("%2[Bb]|%40")
_SHORTEST_PHONE = 7


def mask(address: str) -> str:
    """`whatsapp:+14155550123` → `whatsapp:+1415•••••23`; `jo@example.org` → `j•••••@example.org`.

    What is too short for a person's address (a short code, a sender's name) stays.
    """
    name = bare(address)
    channel = address.strip()[: len(address.strip()) - len(name)]
    if "@" in name:
        local, _, domain = name.rpartition("@")
        return f"{channel}{local[:1]}{_DOTS}@{domain}"
    if len(name) < _SHORTEST_PHONE:
        return channel + name
    shown = 5 if name.startswith("+") else 4
    return f"{channel}{name[:shown]}{_DOTS}{name[-2:]}"


def scrub(text: str) -> str:
    """Free text with everything masked that looks like a phone number (7 digits or more) or an e-mail."""
    return _SUSPECT.sub(_masked, _UNSEEN.sub("", text))


def unsteered(text: str) -> str:
    """Text of others for a screen: on one line, and in the order in which it is written."""
    return _COMMANDS.sub(" ", straight(text))


def straight(text: str) -> str:
    """Text without what turns the writing around."""
    return text if text.isascii() else _TURNING.sub("", text)


def _masked(found: re.Match[str]) -> str:
    suspect = _ESCAPED.sub(lambda escaped: unquote(escaped[0]), found[0])
    if _HARMLESS.fullmatch(suspect) or ("@" not in suspect and sum(map(str.isdigit, suspect)) < _SHORTEST_PHONE):
        return found[0]
    return mask(suspect)
