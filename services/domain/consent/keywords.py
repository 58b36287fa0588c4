"""The words for stop, start and help, in whatever spelling they come.

Sources: Twilio's default keywords for SMS as of 2026 (STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, ARRET, REVOKE,
OPTOUT), the words usual on WhatsApp, where Twilio keeps none, and a tenant's own. Labels: the button that Meta itself
puts below marketing templates, in those languages in which two sources give the same text.
"""

import re
import unicodedata
from typing import NamedTuple

STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "arret", "revoke", "optout"})
# Whatever a tenant takes off the list, this stays.
ALWAYS_STOP = "stop"
LABELS = ("Stop promotions", "Detener promociones", "Parar promoções", "Interrompi promozioni")
START = frozenset({"start", "unstop"})
# An answer to many a question: it releases an opt-out where Twilio lets it, but proves no consent.
RELEASES_ON_SMS = frozenset({"yes"})
# Twilio keeps no opt-outs on WhatsApp, so no block of its own is left standing.
START_ON_WHATSAPP = frozenset({"subscribe"})
HELP = frozenset({"help", "info"})
# Longer than any keyword in any spelling: most messages are not looked at twice.
LONGEST = 100
# Marks by their category, but nobody says them: they choose how an emoji is drawn, and come with it.
_UNSPOKEN = re.compile("[\u034f\u20dd-\u20e4\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Accents of Latin, Greek and Cyrillic; the points of Hebrew; the vowel signs and hamzas of Arabic. People leave them
# out. Other marks (Indic vowel signs, Thai tones, voiced kana) are bodies of letters and stay.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]")
# The same, where Unicode knows the letter only as a whole. Not the Vietnamese đ: "đúng" is a yes, "dừng" a stop.
_LETTERS = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe"})


class Words(NamedTuple):
    """A tenant's own words, normalised, beside the standard ones: `stop` and `off` without accents.

    `off`: those that it took off the list. `phrases`: what makes an opt-out suspected, normalised too. `stops`: what is
    suspected is a stop at once.
    """

    stop: frozenset[str] = frozenset()
    start: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    stops: bool = False


NO_WORDS = Words()


def normalise(text: str) -> str:
    """Letters and digits alone, without case: ` Stop all! ` → `stopall`."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    spoken = "".join(letter for letter in folded if unicodedata.category(letter)[0] in "LNM")
    # Once more: what stood between two letters that compose may be gone.
    return unicodedata.normalize("NFKC", _UNSPOKEN.sub("", spoken)).casefold()


def unaccented(word: str) -> str:
    """A normalised word without its accents: `arrêt` → `arret`."""
    if word.isascii():
        return word
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", word)).translate(_LETTERS)
    return unicodedata.normalize("NFC", bare)


def stop_word(text: str) -> str:
    """A text as stop words are compared: a no is heard generously, with and without its accents."""
    return unaccented(normalise(text))


META_LABELS = frozenset(map(stop_word, LABELS))
