"""What comes of what people write: rules, and the desks of their tickets."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from services.contract.signatures import SHORTEST_SECRET
from services.domain.consent.keywords import LONGEST
from services.domain.messages.content import MAX_BODY_CHARACTERS
from services.domain.messages.keyword_rules import WRITER, pattern, places_of
from services.runtime.section import Secret, Section
from services.runtime.tenants.sections.rule_commands import CommandSettings
from services.runtime.tenants.sections.times import HoursSettings
from services.runtime.tenants.sections.words import RuleName, check_zone


class DeskSettings(Section):
    """Where tickets go: a URL that takes them, and what they are signed with."""

    url: str = Field(description="https://…; http too, where private")
    secret: Secret = Field(description=f"signs each ticket; {SHORTEST_SECRET} characters at least")
    private: bool = Field(default=False, description="it may lie in a private network, or on this machine")

    @model_validator(mode="after")
    def _meant(self) -> "DeskSettings":
        parts = urlsplit(self.url)
        if parts.scheme not in (("https", "http") if self.private else ("https",)) or not parts.hostname:
            raise ValueError("url: write an https URL; http counts with private: true alone")
        if parts.username or parts.fragment:
            raise ValueError("url: no user, password or fragment; what proves who we are is the signature")
        if len(self.secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"secret: fewer than {SHORTEST_SECRET} characters; make one by openssl rand -hex 32")
        return self


class KeywordSettings(Section):
    """A rule for what people write: it is for a whole message, in any spelling."""

    name: RuleName = Field(description="as it is told on twilio.keywords.v1")
    says: list[str] = Field(
        min_length=1,
        max_length=50,
        description="the messages: words, and places such as {id} for a word, {text*} at the end for all that follows",
    )
    reply: str | None = Field(
        default=None, min_length=1, max_length=1600, description="the answer as TwiML, with the places filled"
    )
    tells: bool = Field(default=False, description="each such message is told on twilio.keywords.v1")
    ticket: RuleName | None = Field(
        default=None, description="one of `desks`: each such message is delivered there by HTTP, and told"
    )
    command: CommandSettings | None = Field(
        default=None, description="this is sent for each such message, if the gate lets it; and it is told"
    )
    senders: list[str] = Field(default_factory=list, description="of ours, to which it was written; empty: all")
    channels: list[Literal["sms", "whatsapp", "rcs", "messenger"]] = Field(
        default_factory=list, description="by which it was written; empty: all"
    )
    hours: HoursSettings | None = Field(default=None, description="when the rule holds; left out: always")
    zone: str = Field(default="UTC", description="by whose clock, as IANA names it")

    @model_validator(mode="after")
    def _meant(self) -> "KeywordSettings":
        places = [set(pattern(text).names) for text in self.says]
        shared = places[0].intersection(*places)
        if not (self.reply or self.tells or self.ticket or self.command):
            raise ValueError("nothing comes of it: give it a reply, a ticket, a command, or tells: true")
        if self.reply is not None:
            if not self.reply.strip():
                raise ValueError("reply: there is no text; write one, or leave it out")
            if missing := places_of(self.reply) - shared:
                raise ValueError(f"reply: {', '.join(sorted(missing))}: not a place of every message in says")
            # What somebody writes at a place is no longer than the longest message that a rule is for.
            if len(self.reply) + LONGEST * self.reply.count("{") > MAX_BODY_CHARACTERS:
                raise ValueError(f"reply: filled, it may be longer than {MAX_BODY_CHARACTERS} characters")
        if self.command is not None:
            if WRITER in shared.union(*places):
                raise ValueError(f"says: {{{WRITER}}} is who wrote; give the place another name")
            named = set[str]().union(*map(places_of, self.command.texts))
            if missing := named - shared - {WRITER}:
                raise ValueError(f"command: {', '.join(sorted(missing))}: not a place of every message in says")
        check_zone(self.zone)
        return self
