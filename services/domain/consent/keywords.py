"""STOP and START: which whole messages are an answer to "may we write to you?", and which way.

Sources: Twilio's default keywords for SMS with REVOKE and OPTOUT (2025), the words usual on WhatsApp, where Twilio
keeps none, and a tenant's own words in other languages. Advanced Opt-Out tells with `OptOutType` what it understood.
"""

import re
import unicodedata
from typing import Literal, NamedTuple

STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START = frozenset({"start", "unstop"})
# An answer to many a question: it releases an opt-out where Twilio lets it, but proves no consent.
RELEASES_ON_SMS = frozenset({"yes"})
# Twilio keeps no opt-outs on WhatsApp, so no block of its own is left standing.
START_ON_WHATSAPP = frozenset({"subscribe"})
# Longer than any keyword in any spelling: most messages are not looked at twice.
LONGEST = 100
# Marks by their category, but nobody says them: they choose how an emoji is drawn, and come with it.
_UNSPOKEN = re.compile("[\u034f\u20dd-\u20e4\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class Words(NamedTuple):
    """A tenant's own words, normalised, beside the standard ones."""

    stop: frozenset[str] = frozenset()
    start: frozenset[str] = frozenset()


class Heard(NamedTuple):
    """What somebody said. `consents`: they asked for messages, more than to lift a block. `word` as normalised."""

    action: Literal["opt_out", "opt_in"]
    consents: bool
    word: str


NO_WORDS = Words()


def normalise(text: str) -> str:
    """Letters and digits alone, without case: ` Stop all! ` → `stopall`."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    spoken = "".join(letter for letter in folded if unicodedata.category(letter)[0] in "LNM")
    # Once more: what stood between two letters that compose may be gone.
    return unicodedata.normalize("NFKC", _UNSPOKEN.sub("", spoken)).casefold()


def hear(body: str, *, whatsapp: bool, opt_out_type: str = "", words: Words = NO_WORDS) -> Heard | None:
    """What a whole message says of consent, or None. Where Twilio and the words disagree, STOP it is."""
    said = body.strip()
    word = normalise(said) if len(said) <= LONGEST else ""
    told = opt_out_type.upper()
    if told == "STOP" or word in STOP or word in words.stop:
        return Heard("opt_out", False, word)
    if told == "START" or word in START or word in words.start or (whatsapp and word in START_ON_WHATSAPP):
        return Heard("opt_in", word not in RELEASES_ON_SMS, word)
    if not whatsapp and word in RELEASES_ON_SMS:
        return Heard("opt_in", False, word)
    return None
