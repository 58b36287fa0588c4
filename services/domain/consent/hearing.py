"""What a message says of consent: said once, by whoever takes it, and kept in the fact.

A *no* is heard wherever it is said: typed, tapped, or understood by Twilio. A *yes* is heard narrowly: from what the
person could read and chose to say, never from what stands hidden behind a button.
"""

from typing import Literal, NamedTuple

import msgspec

from services.domain.addresses import judge
from services.domain.consent.keywords import (
    ALWAYS_STOP,
    HELP,
    LONGEST,
    META_LABELS,
    NO_WORDS,
    RELEASES_ON_SMS,
    START,
    START_ON_WHATSAPP,
    STOP,
    Words,
    normalise,
    unaccented,
)
from services.domain.consent.suspicion import suspicious

Place = Literal["body", "button_payload", "button_text", "list_id", "list_title", "opt_out_type"]


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says of consent.

    `by`: where it was said. `word`: as normalised; of what is suspected, nothing. `consents`: they asked for messages,
    more than to lift a block. `releases`: whoever keeps the block lifts it for this word.
    """

    says: Literal["stop", "start", "help", "suspected"]
    by: Place
    word: str = ""
    consents: bool = False
    releases: bool = False


class Message(NamedTuple):
    """What is looked at of a message to us: Twilio's parameters of the same names. `to`: the address of ours."""

    to: str
    body: str
    opt_out_type: str = ""
    button_payload: str = ""
    button_text: str = ""
    list_id: str = ""
    list_title: str = ""

    @property
    def whatsapp(self) -> bool:
        return self.to.strip().lower().startswith("whatsapp:")

    @property
    def by_network(self) -> bool:
        """By SMS, MMS or RCS: there Twilio listens itself."""
        return judge(self.to).channel in ("", "sms", "mms", "rcs")

    @property
    def tapped(self) -> bool:
        return bool(self.button_payload or self.button_text or self.list_id or self.list_title)


def hear(message: Message, words: Words = NO_WORDS) -> Heard | None:
    """What a message says, or None: nothing. Where Twilio, a label and what is behind it disagree, STOP it is."""
    return _stop(message, words) or _start(message, words) or _help(message) or _suspected(message, words)


def _stop(message: Message, words: Words) -> Heard | None:
    for place, text in _places(message):
        word = _word(text)
        if word and _is_stop(unaccented(word), message, words):
            return Heard(says="stop", by=place, word=word)
    if message.opt_out_type.upper() == "STOP":
        return Heard(says="stop", by="opt_out_type", word=_word(message.body))
    return None


def _places(message: Message) -> tuple[tuple[Place, str], ...]:
    """Where a no may stand. What is behind a button comes first: its label is told as the body again."""
    return (
        ("button_payload", message.button_payload),
        ("list_id", message.list_id),
        ("button_text", message.button_text),
        ("list_title", message.list_title),
        ("body", message.body),
    )


def _is_stop(word: str, message: Message, words: Words) -> bool:
    if word in words.stop or word == ALWAYS_STOP:
        return True
    labelled = word in META_LABELS and (message.whatsapp or message.tapped)
    return labelled or (word in STOP and word not in words.off)


def _start(message: Message, words: Words) -> Heard | None:
    word, told = _word(message.body), message.opt_out_type.upper() == "START"
    place: Place = "opt_out_type" if told else "body"
    if told or word in START or word in words.start or (message.whatsapp and word in START_ON_WHATSAPP):
        releases = word in START or not is_toll_free(message.to)
        consents = word not in RELEASES_ON_SMS
        return (
            Heard(says="start", by=place, word=word, consents=consents, releases=releases)
            if (consents or releases)
            else None
        )
    if message.by_network and word in RELEASES_ON_SMS and not message.tapped and not is_toll_free(message.to):
        return Heard(says="start", by="body", word=word, releases=True)
    return None


def _help(message: Message) -> Heard | None:
    word = _word(message.body)
    if message.opt_out_type.upper() == "HELP":
        return Heard(says="help", by="opt_out_type", word=word)
    return Heard(says="help", by="body", word=word) if word in HELP else None


def _suspected(message: Message, words: Words) -> Heard | None:
    # A tap chooses among what we wrote ourselves.
    if message.tapped or not suspicious(message.body, words.phrases):
        return None
    return Heard(says="stop" if words.stops else "suspected", by="body")


def is_toll_free(ours: str) -> bool:
    """Is this address of ours a number whose opt-outs the network keeps? By SMS and MMS alone.

    US and Canada. Twilio cannot lift that block: its article on toll-free SMS names START and UNSTOP, and says that YES
    does not.
    """
    found = judge(ours)
    # As Twilio writes its own numbers: with the plus.
    return found.toll_free and found.channel in ("", "sms", "mms") and found.name == found.canonical


def _word(text: str) -> str:
    said = text.strip()
    return normalise(said) if len(said) <= LONGEST else ""
