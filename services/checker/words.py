"""What a whole message says of consent, by the published words (README, "May we write?")."""

import unicodedata
from typing import Literal

Action = Literal["opt_out", "opt_in"]

_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
_START = frozenset({"start", "unstop"})
_START_BY = {True: frozenset({"subscribe"}), False: frozenset({"yes"})}
# Nobody writes a longer one, whatever stands around it.
_LONGEST = 100


def heard(body: str, opt_out_type: str, *, whatsapp: bool) -> Action | None:
    """Yes, no, or neither. Where Twilio understood something else than we, the safer of both."""
    word = spoken(body)
    told = opt_out_type.upper()
    if told == "STOP" or word in _STOP:
        return "opt_out"
    if told == "START" or word in _START or word in _START_BY[whatsapp]:
        return "opt_in"
    return None


def is_standard(word: str) -> bool:
    """Whether it means something to everybody, on some channel."""
    return word in _STOP | _START | _START_BY[True] | _START_BY[False]


def spoken(body: str) -> str:
    """A short message by its letters, marks and digits, without case; else nothing."""
    text = body.strip()
    if len(text) > _LONGEST:
        return ""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = [char for char in plain if unicodedata.category(char)[0] in "LMN" and not _draws(char)]
    return unicodedata.normalize("NFKC", "".join(kept)).casefold()


def _draws(char: str) -> bool:
    """Whether it only says how an emoji is to be drawn."""
    code = ord(char)
    return code == 0x34F or 0x20DD <= code <= 0x20E4 or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
