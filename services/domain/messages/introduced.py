"""Who has had a message of ours already, by which of our senders; and what a first one says.

A row says since when; a year and some later, when nobody remembers, the next message is a first one again.
"""

import re
from collections.abc import Collection
from typing import Literal, NamedTuple

import msgspec

from services.domain.clock import later
from services.domain.compliance.usecases import has_phone
from services.domain.due import Due
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.content import MAX_BODY_CHARACTERS
from services.domain.messages.events import MessageSent
from services.domain.messages.segments import segments
from services.domain.messages.smart_encoding import smart_encoded

Unsaid = Literal["stop_text", "help_text"]

_REMEMBERED_S = 400 * 86_400.0
# A row is written whole. Of more senders than that those that wrote last are known.
MOST_SENDERS = 50
_HOW = re.compile(r"\b(stop|unsubscribe|opt[ -]?out)\b", re.IGNORECASE)
# By a word, or whom to write to or call: as the handbooks have it, customer care's contact.
_HELP = re.compile(r"\bhelp\b|[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE)


class Introduced(msgspec.Struct, frozen=True, kw_only=True):
    """By sender, or Messaging Service, when its first message was taken by Twilio. Key: contact."""

    contact: str
    by: dict[str, str]


def fold(state: Introduced | None, event: MessageSent | Due) -> tuple[Introduced | None, tuple[()]]:
    """The first of each sender counts, in whichever order they come."""
    if isinstance(event, Due):
        return _without(state, event.at), ()
    sender = event.messaging_service_sid or event.from_
    known = dict(state.by) if state else {}
    known[sender] = min(event.sent_at, known.get(sender, event.sent_at))
    latest = sorted(known.items(), key=lambda item: (item[1], item[0]))[-MOST_SENDERS:]
    return Introduced(contact=event.contact, by=dict(sorted(latest))), ()


def due(row: Introduced) -> str:
    """When the oldest is forgotten."""
    return later(min(row.by.values()), _REMEMBERED_S)


def is_first(row: Introduced | None, sender: str) -> bool:
    """Whether nothing is known to have been written by this sender, or service."""
    return row is None or sender not in row.by


def _without(row: Introduced | None, now: str) -> Introduced | None:
    left = {sender: at for sender, at in row.by.items() if later(at, _REMEMBERED_S) > now} if row else {}
    return msgspec.structs.replace(row, by=left) if row and left else None


def says_how_to_stop(body: str) -> bool:
    return _HOW.search(body) is not None


def says_where_help_is(body: str) -> bool:
    return _HELP.search(body) is not None or has_phone(body)


class Texts(NamedTuple):
    """What a first message says: how to stop, where help is."""

    stop: str
    help: str


def unsaid(body: str, *, asks_stop: bool, asks_help: bool) -> tuple[Unsaid, ...]:
    """What a first message has to say, and does not."""
    how = () if not asks_stop or says_how_to_stop(body) else ("stop_text",)
    where = () if not asks_help or says_where_help_is(body) else ("help_text",)
    return (*how, *where)


def to_append(lacks: Collection[Unsaid], texts: Texts) -> str:
    """The text that says it; where that on stopping says where help is, it is enough."""
    stop = texts.stop if "stop_text" in lacks else ""
    help_ = texts.help if "help_text" in lacks and not says_where_help_is(stop) else ""
    return " ".join(filter(None, (stop, help_)))


def beside(body: str, text: str) -> str:
    """A body with a text put to it."""
    return f"{body}\n{text}"


def fits_beside(body: str, text: str) -> bool:
    return len(beside(body, text)) <= MAX_BODY_CHARACTERS


def with_text(command: CommandAccepted, text: str | None) -> CommandAccepted:
    """The command as it goes where a text is put to its own, and what that costs."""
    if text is None or not command.body:
        return command
    body = beside(command.body, text)
    counted = segments(smart_encoded(body) if command.options.smart_encoded else body) if command.segments else None
    return msgspec.structs.replace(command, body=body, **(counted._asdict() if counted else {}))
