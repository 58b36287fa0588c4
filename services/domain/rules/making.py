"""A keyword rule and a message that it is for, made into commands; or why there are none.

What is made is judged by the gate as any producer's command. What is looked at here is what the gate cannot know: that
it answers somebody, and whom.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from services.domain.addresses import judge
from services.domain.clock import later
from services.domain.commands import on_channel
from services.domain.consent.keywords import STOP, stop_word
from services.domain.consent.suspicion import suspicious
from services.domain.contact import bare, canonical, parts
from services.domain.identity import derived_event_id
from services.domain.messages.commands import SendMessage
from services.domain.messages.events import KeywordHeard
from services.domain.messages.keyword_rules import LONGEST_PLACE, WRITER, RuleCommand, places_of
from services.domain.messages.routing import is_service
from services.domain.studio.commands import StartExecution

Command = SendMessage | StartExecution
# `old`: the message came too long ago. `ours`: it is from one of our senders, or would go to one. `empty`: at a place
# stands nothing that can be shown, or the rule has other places by now. `no`: who wrote says no beside the rule's word,
# so nothing goes to them. `unreachable`: who wrote has no address on that channel.
Why = Literal["old", "ours", "empty", "no", "unreachable"]

# No text is worth a mark that hides or turns what stands beside it. Two of these join letters and signs in scripts.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
_NUMBERED = frozenset({"sms", "mms", "whatsapp", "rcs"})

# Is an address one of ours, whichever tenant's? Given in its one spelling.
Ours = Callable[[str], bool]


class Made(NamedTuple):
    """Commands, and why there are not as many as there could be; no reason: there are all."""

    commands: tuple[Command, ...]
    why_not: Why | None = None


def make(rule: RuleCommand, heard: KeywordHeard, now: str, ours: Ours) -> Made:
    """The same message and rule give commands of the same ids, whenever and however often they are made."""
    if now > later(heard.received_at, rule.within_s):
        return Made((), "old")
    if ours(canonical(heard.from_)):
        return Made((), "ours")
    values = {name: cleaned(value) for name, value in (heard.values | {WRITER: bare(heard.from_)}).items()}
    if not all(_filled(text, values) for text in rule.texts):
        return Made((), "empty")
    commands: list[Command] = []
    why_not: Why | None = None
    for place, whom in enumerate(rule.to):
        to = _address(rule, heard) if whom == WRITER else whom
        if to is None:
            why_not = "unreachable"
        elif canonical(to) == canonical(heard.from_) and says_no(heard.values.values()):
            why_not = "no"
        elif ours(canonical(to)) or canonical(to) == canonical(heard.to):
            why_not = "ours"
        else:
            commands.append(_command(rule, heard, values, (place, to, whom == WRITER)))
    return Made(tuple(commands), why_not)


def says_no(values: Iterable[str]) -> bool:
    """Whether one of them would be a no if it stood alone. Beside other words neither we nor Twilio hear it."""
    return any(stop_word(one) in STOP or suspicious(one) for one in values)


def cleaned(value: str) -> str:
    """What a stranger wrote, as it may stand in a text of ours: one line, without what is not shown."""
    shown = (char for char in value if char in _JOINERS or unicodedata.category(char) not in _UNSHOWN)
    return " ".join("".join(shown).split())[:LONGEST_PLACE]


def _filled(text: str, values: Mapping[str, str]) -> str:
    """With the places filled; nothing where a place that it names is empty, or is none of the message's: the rule may
    have changed since."""
    return text.format_map(dict(values)) if all(map(values.get, places_of(text))) else ""


def _address(rule: RuleCommand, heard: KeywordHeard) -> str | None:
    """Of who wrote, on the rule's channel; None where they have none there."""
    writer = judge(heard.from_)
    if rule.channel is None or rule.channel == _by(heard.from_):
        return heard.from_
    if writer.kind == "phone" and rule.channel in _NUMBERED:
        return on_channel(rule.channel, writer.name)
    return None


def _command(rule: RuleCommand, heard: KeywordHeard, values: Mapping[str, str], whom: tuple[int, str, bool]) -> Command:
    place, to, to_writer = whom
    theirs = rule.channel is None or rule.channel == _by(heard.from_)
    sender = rule.sender or (heard.to if to_writer and theirs else None)
    service = sender if sender is not None and is_service(sender) else None
    begins = later(heard.received_at, rule.after_s)
    known: dict[str, Any] = {
        # Not by the address: whoever reads the id could guess that by trying.
        "command_id": f"rule-{derived_event_id(heard.event_id, 'command', str(place))}",
        "tenant": heard.tenant,
        "to": to,
        "from_": None if service else sender,
        "messaging_service_sid": service,
        "not_before": begins if rule.after_s else None,
        "not_after": later(begins, rule.within_s),
        "urgent": rule.urgent,
        "label": rule.label,
        "purpose": rule.purpose,
    }
    filled = {name: _filled(text, values) for name, text in rule.variables.items()}
    if rule.flow is not None:
        return StartExecution(flow_sid=rule.flow, parameters=filled, **known)
    body = None if rule.body is None else _filled(rule.body, values)
    return SendMessage(channel=rule.channel, body=body, template=rule.template, content_variables=filled, **known)


def _by(address: str) -> str:
    return next(iter(parts(address).channels), "sms")
