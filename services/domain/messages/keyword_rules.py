"""A tenant's rules for what people write: `STATUS 17` → an answer, a record for whoever acts on it. Pure.

A rule says no more than what the whole message is: so nothing that somebody merely mentions sets anything off. What is
said of consent is heard elsewhere, and no rule stands in its way.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import Formatter
from typing import NamedTuple

from services.domain.consent.keywords import LONGEST, normalise
from services.domain.messages.commands import Channel, NamedTemplate, Purpose
from services.domain.messages.events import MostCommands
from services.domain.quiet import Hours, look

# As a recipient, and as a place: who wrote.
WRITER = "writer"
# What is filled in at a place: what somebody wrote there, or their address.
LONGEST_PLACE = 256

# `{id}` is one word of the message; `{text*}`, at the end, all that follows.
_PLACE = re.compile(r"\{([a-z][a-z0-9_]{0,31})(\*?)\}")
# Around a word people write what is no part of it: `STATUS #17.`
_AROUND = " \t\r\n.,;:!?#'\"“”‘’«»()[]<>*_-"


class Pattern(NamedTuple):
    """What a whole message is compared with, word by word: normalised words, and names of places in braces; without a
    place the whole as one word."""

    text: str
    words: tuple[str, ...]
    names: tuple[str, ...]
    rest: str | None = None

    def match(self, body: str, word: str) -> dict[str, str] | None:
        """What stands at each place; None where the message is another. `word`: the whole body as one, normalised."""
        if not self.names:
            return {} if word == self.words[0] else None
        said = body.split()
        fixed = len(self.words) - (self.rest is not None)
        if len(said) < len(self.words) or (self.rest is None and len(said) > fixed):
            return None
        found = {}
        for wanted, one in zip(self.words, said, strict=False):
            if wanted == _rest(self.rest):
                found[self.rest or ""] = " ".join(said[fixed:]).strip(_AROUND)
            elif wanted.startswith("{"):
                found[wanted[1:-1]] = one.strip(_AROUND)
            elif normalise(one) != wanted:
                return None
        return found if all(found.values()) else None


class RuleCommand(NamedTuple):
    """What a rule has sent: a text, a template by its name, or a start of a Studio flow.

    `to`: addresses, or WRITER. `sender`: an address or Messaging Service of ours; none: to who wrote the one that they
    wrote to, else as routing has it. `variables`: of the template, or what the flow is given. `after_s`: how long after
    the message it may go, `within_s`: and how long it may then. In texts the message's places are filled, and WRITER.
    """

    to: tuple[str, ...]
    most: MostCommands
    sender: str | None = None
    channel: Channel | None = None
    body: str | None = None
    template: NamedTemplate | None = None
    flow: str | None = None
    variables: Mapping[str, str] = {}
    after_s: float = 0.0
    within_s: float = 900.0
    purpose: Purpose | None = None
    urgent: bool = False
    label: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """All in which places are filled."""
        return (*([self.body] if self.body else []), *self.variables.values())


class Rule(NamedTuple):
    """`says`: the messages that it is for. `reply`: the answer, with the places filled; none: none. `tells`: it is put
    on the log; `ticket`: and delivered to this desk; `command`: and this is sent.

    `senders`: the canonical addresses of ours that it holds for, `channels`: the same; empty: all. `hours`: when it
    holds, by the clock of `zone`.
    """

    name: str
    says: tuple[Pattern, ...]
    reply: str | None = None
    tells: bool = False
    ticket: str | None = None
    command: RuleCommand | None = None
    senders: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    hours: Hours | None = None
    zone: str = "UTC"

    def holds(self, ours: str, channel: str, at: str) -> bool:
        """For what was written to this sender of ours, by this channel, at this time?"""
        if (self.senders and ours not in self.senders) or (self.channels and channel not in self.channels):
            return False
        if self.hours is None:
            return True
        found = look(at, [self.hours], [self.zone])
        return found.never or found.until is not None


class Matched(NamedTuple):
    rule: Rule
    values: Mapping[str, str]

    @property
    def reply(self) -> str | None:
        return None if self.rule.reply is None else self.rule.reply.format_map(dict(self.values))


def pattern(text: str) -> Pattern:
    """Raises ValueError, with a sentence, for what cannot be meant."""
    if len(text) > LONGEST:
        raise ValueError(f"{text[:20]}…: {LONGEST} characters at most")
    words, names, rest = [], [], None
    for word in text.split():
        place = _PLACE.fullmatch(word)
        if rest is not None:
            raise ValueError(f"{text!r}: {_rest(rest)} takes all that follows; put it at the end")
        if place is None and ("{" in word or "}" in word):
            raise ValueError(f"{word!r}: a place is a word of its own, such as {{id}} or, at the end, {{text*}}")
        if place is None and not normalise(word):
            raise ValueError(f"{word!r} has neither letters nor digits: people leave such things out")
        words.append(word if place else normalise(word))
        if place:
            names.append(place[1])
            rest = place[1] if place[2] else None
    if not words or words[0].startswith("{"):
        raise ValueError(f"{text!r}: begin with a word; else every message would match")
    if len(set(names)) < len(names):
        raise ValueError(f"{text!r}: two places have one name")
    # Where there is no place, letters and digits count, however they are parted: `on-call` is `ONCALL`.
    return Pattern(text, tuple(words) if names else (normalise(text),), tuple(names), rest)


def places_of(reply: str) -> set[str]:
    """The places that an answer names. Raises ValueError for braces that are none."""
    found = set()
    for _, name, form, conversion in Formatter().parse(reply):
        if name is not None and (form or conversion or not _PLACE.fullmatch(f"{{{name}}}")):
            raise ValueError(f"{{{name}}}: a place in a reply is its name in braces; write {{{{ for a brace itself")
        found |= {name} if name is not None else set()
    return found


def match(rules: Sequence[Rule], body: str, ours: str, channel: str, at: str) -> Matched | None:
    """The first rule that is for a message, in the order of the settings."""
    if not rules or len(body) > LONGEST:
        return None
    return next(_matching(rules, body, ours, channel, at), None)


def _matching(rules: Iterable[Rule], body: str, ours: str, channel: str, at: str) -> Iterator[Matched]:
    word = normalise(body)
    for rule in rules:
        for says in rule.says:
            values = says.match(body, word)
            if values is not None and rule.holds(ours, channel, at):
                yield Matched(rule, values)


def _rest(name: str | None) -> str:
    return f"{{{name}*}}"
