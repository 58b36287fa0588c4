"""Whom we may write to, and what a STOP is."""

from typing import Literal

from pydantic import Field, model_validator

from services.domain.consent import keywords
from services.domain.consent.keywords import LONGEST, STOP, normalise
from services.runtime.section import Section
from services.runtime.tenants.sections.words import Country


class RegionSettings(Section):
    """What a country asks for beyond the tenant's own rules; what is left out stays as it is."""

    stop_reaches: Literal["sender", "tenant"] | None = None
    consent_for: Literal["nothing", "templates", "everything"] | None = None
    consent_days: float | None = Field(default=None, gt=0)


class ConsentSettings(Section):
    """Whom we may write to. Suppression always holds; the rest is the tenant's to ask for."""

    stop_words: list[str] = Field(default_factory=list, description="beside the standard ones: other languages")
    start_words: list[str] = Field(default_factory=list)
    not_stop_words: list[str] = Field(
        default_factory=list,
        description="of the standard ones, those that mean something else to this tenant's people, such as CANCEL; "
        "never STOP",
    )
    suspected: Literal["note", "defer_marketing", "stop"] = Field(
        default="note",
        description="what comes of a message that looks like an opt-out and is no stop word: it is told, marketing "
        "waits for a person's decision, or it is a STOP",
    )
    suspected_phrases: list[str] = Field(
        default_factory=list, description="whole clauses that look like an opt-out, beside the standard ones"
    )
    confirm_stop: str = Field(
        default="You will receive no more messages from us. Reply START to change that.",
        description="on WhatsApp, where Twilio answers nothing; empty: no answer",
    )
    confirm_start: str = Field(default="You will receive our messages again. Reply STOP to end them.")
    stop_reaches: Literal["sender", "tenant"] = Field(default="sender", description="what a STOP to one sender stops")
    consent_for: Literal["nothing", "templates", "everything"] = Field(
        default="nothing", description="which messages need a recorded opt-in"
    )
    consent_days: float | None = Field(default=None, gt=0, description="how long an opt-in holds; empty: for ever")
    regions: dict[Country, RegionSettings] = Field(
        default_factory=dict, description="ISO country of the recipient → what it asks for"
    )

    @model_validator(mode="after")
    def _words(self) -> "ConsentSettings":
        for word in (*self.stop_words, *self.start_words, *self.suspected_phrases):
            if not normalise(word):
                raise ValueError(f"{word!r} has neither letters nor digits: every such message would count")
            if len(word) > LONGEST:
                raise ValueError(f"{word[:20]}…: a keyword has at most {LONGEST} characters")
        if stops := [word for word in self.start_words if keywords.stop_word(word) in STOP]:
            raise ValueError(f"{', '.join(stops)}: is a STOP everywhere, and can be no start word")
        # Accents do not tell a stop word from another.
        if both := set(map(keywords.stop_word, self.stop_words)) & set(map(keywords.stop_word, self.start_words)):
            raise ValueError(f"{', '.join(sorted(both))}: both a stop word and a start word; choose one")
        return self

    @model_validator(mode="after")
    def _taken_off(self) -> "ConsentSettings":
        for word in self.not_stop_words:
            if keywords.stop_word(word) == keywords.ALWAYS_STOP:
                raise ValueError(f"not_stop_words: {word} always stops; take it off this list")
            if keywords.stop_word(word) not in STOP:
                raise ValueError(f"not_stop_words: {word} is none of the standard stop words; take it off this list")
        if both := set(map(keywords.stop_word, self.not_stop_words)) & set(map(keywords.stop_word, self.stop_words)):
            raise ValueError(f"{', '.join(sorted(both))}: both in stop_words and in not_stop_words; choose one")
        return self
