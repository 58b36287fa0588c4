"""The words that Twilio listens for, and what it answers itself."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal

Keyword = Literal["STOP", "START", "HELP"]

_STANDARD: Mapping[Keyword, frozenset[str]] = {
    "STOP": frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "arret", "revoke", "optout"}),
    "START": frozenset({"start", "yes", "unstop"}),
    "HELP": frozenset({"help", "info"}),
}

# What the network of US and Canadian toll-free numbers hears, besides Twilio: its block is its own (Twilio's article
# "Opt-out keyword handling for Toll-Free SMS"; Sinch's on toll-free STOP agrees). Not confirmed: ARRET and NONARRET,
# which Sinch alone names.
NETWORK_STOP = frozenset({"stop"})
NETWORK_START = frozenset({"start", "unstop"})

# Twilio's default texts.
REPLIES: Mapping[Keyword, str] = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


def keyword(body: str, own: Mapping[Keyword, Iterable[str]]) -> Keyword | None:
    """What a message that is one of the words asks for. `own`: a Messaging Service's words, which come first."""
    said = _letters(body)
    if not said:
        return None
    for asked, words in own.items():
        if any(said == _letters(word) for word in words):
            return asked
    return next((asked for asked, words in _STANDARD.items() if said in words), None)


def to_network(body: str) -> Keyword | None:
    """What the network of a toll-free number makes of a message."""
    said = _letters(body)
    return "STOP" if said in NETWORK_STOP else "START" if said in NETWORK_START else None


def _letters(text: str) -> str:
    """Letters, their marks and digits, without case: ` Stop-all! ` → `stopall`."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Whether Twilio takes ARRÊT for ARRET is not confirmed; here it does not.
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LMN")
