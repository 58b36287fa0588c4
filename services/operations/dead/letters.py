"""A dead letter as it is read off the log, and the record that it was. Pure."""

import re
from typing import NamedTuple

import msgspec
from aiokafka import ConsumerRecord

from services.contract import letters
from services.contract.codec import DecodeError, decode, other_aliases
from services.contract.letters import Position
from services.contract.messages import INBOUND, OUTCOMES
from services.contract.outbound import ACCEPTED
from services.contract.positions import number, source
from services.contract.topics import BY_CONTACT
from services.domain.clock import iso
from services.domain.consent.holds import contact_of
from services.operations.dead.errors import DeadError

Headers = tuple[tuple[str, bytes], ...]

_NAME = re.compile(r"(?P<topic>[\w.-]+)/(?P<partition>\d{1,9})@(?P<offset>\d{1,18})", re.ASCII)
RETRIED_FROM = "retried-from"
# What people say comes on these, keyed by their contact.
_OF_PEOPLE = frozenset({INBOUND.name, ACCEPTED.name, OUTCOMES.name})


class Letter(NamedTuple):
    """A dead letter. `at`: when it was put aside, as it stands on the log. `headers`: the record's own.

    `name` is the position of the record that could not be folded; of a letter that does not tell it, its own.
    `obstacle`: why the record cannot be had back from the letter; empty where it can. `steps`: those that could not
    take it; empty where nobody could decode it. `holds`: whoever wrote it placed a hold on its contact.
    """

    name: Position
    at: str
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None
    obstacle: str
    steps: str
    holds: bool

    @property
    def person(self) -> str | None:
        """The contact key of whoever is held for it, or may be: by this letter, or by another service's of the record.

        One that could not read the record yet will place its hold later: so it is released either way.
        """
        return contact_of(self.key) if self.name.topic in _OF_PEOPLE else None

    @property
    def contact(self) -> str | None:
        """The contact key that the value names, if it can be read that far."""
        try:
            return decode(self.value, _Named).contact
        except DecodeError:
            return None


class _Named(msgspec.Struct):
    contact: str | None = None


def read_letter(record: ConsumerRecord) -> Letter:
    """A record of a dead-letter topic. What others may have written there is a letter without a source."""
    headers = {name: content or b"" for name, content in record.headers}
    found = source(record.topic, headers)
    key: bytes | None = record.key
    value: bytes | None = record.value
    return Letter(
        name=found or Position(record.topic, record.partition, record.offset),
        at=iso(record.timestamp),
        reason=_text(headers.get(letters.REASON, b"unknown"))[:64],
        detail=_text(headers.get(letters.DETAIL, b"")),
        key=key,
        value=value,
        headers=tuple(
            (name.removeprefix(letters.KEPT), content or b"")
            for name, content in record.headers
            if name.startswith(letters.KEPT)
        ),
        timestamp_ms=number(headers.get(letters.SOURCE_TIMESTAMP_MS)),
        obstacle=_obstacle(found, headers),
        steps=_text(headers.get(letters.STEPS, b"")),
        holds=letters.HOLDS in headers,
    )


def position(name: str) -> Position:
    """What a person calls a letter. Raises DeadError."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise DeadError(f"{name!r} names no letter: it looks like twilio.inbound.v1/3@17, as `dead list` shows it")
    return Position(found["topic"], int(found["partition"]), int(found["offset"]))


def _obstacle(found: Position | None, headers: dict[str, bytes]) -> str:
    if found is None:
        return "it does not say which record it was"
    if letters.WHOLE_BATCH in headers:
        return "it is a whole record batch, and no record"
    kept = [
        (name.removeprefix(letters.KEPT), value) for name, value in headers.items() if name.startswith(letters.KEPT)
    ]
    if found.topic in BY_CONTACT and (version := other_aliases(kept)):
        return f"its key is of alias version {version}, and would stop whoever folds it"
    cut = [name for name in headers if name.startswith(letters.TRUNCATED)]
    if not cut:
        return ""
    told = ", ".join(f"{name.removeprefix(letters.TRUNCATED)} {_text(headers[name])}" for name in cut)
    return f"it was too large to be kept whole ({told})"


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
