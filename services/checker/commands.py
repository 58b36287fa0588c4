"""Public commands as they stand on the log, and what was accepted of them, told apart without the product's rules."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from services.checker.facts import Fact, Facts
from services.checker.topics import ACCEPTED, CONSENT_COMMANDS, MESSAGES, PUBLIC

# What is longer is no command.
MOST_BYTES = 64 * 1024
_MOST_CHARACTERS = 128
# A parser may give up on what is nested that deeply.
_DEEP = 128


class Identity(NamedTuple):
    """Whose command it is."""

    tenant: str
    contact: str
    command_id: str

    def __str__(self) -> str:
        return f"command {self.command_id!r} of {self.tenant}"


class Asked(NamedTuple):
    """A record of a public topic that is a JSON object. `accepted`: what intake made of it, unless it refused."""

    fact: Fact
    tenant: str
    command_id: str
    at: str
    accepted: Fact | None

    @property
    def resolves(self) -> bool:
        return self.fact.event.get("event_type") == "resolve_ambiguous"


def identity(event: Mapping[str, object]) -> Identity:
    """The identity that an event of the product names."""
    return Identity(str(event.get("tenant")), str(event.get("contact")), str(event.get("command_id")))


def asked(facts: Facts) -> Sequence[Asked]:
    """All commands in the log, each with what was accepted of it."""
    accepted = _accepted(facts)
    found = []
    for topic in PUBLIC:
        for fact in facts.of(topic):
            if is_object(fact.entry.value) is not True:
                continue
            tenant, command_id = _text(fact, "tenant"), _text(fact, "command_id") or fact.at
            at = iso(fact.entry.timestamp)
            # A command of one id may be produced twice in one moment: then its offset tells which.
            same = accepted.get((topic, tenant, command_id, at), ())
            mine = [one for one in same if one.event.get("sequence", fact.entry.offset) == fact.entry.offset]
            found.append(Asked(fact, tenant, command_id, at, mine[0] if mine else None))
    return found


def unreadable(facts: Facts) -> Sequence[Asked]:
    """What stands there and surely is no command: it is told of under its key, in nobody's name."""
    found = []
    for topic in PUBLIC:
        for fact in facts.of(topic):
            if is_object(fact.entry.value) is False:
                name = fact.entry.key.decode("utf-8", "replace")[:_MOST_CHARACTERS] or fact.at
                found.append(Asked(fact, "", name, iso(fact.entry.timestamp), None))
    return found


def is_object(value: bytes | None) -> bool | None:
    """Whether bytes are a JSON object of a command's size; None where parsers may differ about it."""
    if value is None or len(value) > MOST_BYTES:
        return False
    try:
        if not isinstance(orjson.loads(value), dict):
            return False
    except orjson.JSONDecodeError:
        # Lone surrogates, and numbers without a double, are read by some.
        return None if value.lstrip()[:1] in (b"{", b"\xef") and value.rstrip()[-1:] == b"}" else False
    return True if value.count(b"{") + value.count(b"[") <= _DEEP else None


def iso(milliseconds: int) -> str:
    """A moment as the log writes it."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _accepted(facts: Facts) -> Mapping[tuple[str, str, str, str], Sequence[Fact]]:
    found: defaultdict[tuple[str, str, str, str], list[Fact]] = defaultdict(list)
    for fact in facts.sound(ACCEPTED):
        topic = CONSENT_COMMANDS if fact.event.get("event_type") == "consent_accepted" else MESSAGES
        found[topic, fact.text("tenant"), fact.text("command_id"), fact.text("accepted_at")].append(fact)
    return found


def _text(fact: Fact, name: str) -> str:
    return fact.text(name)[:_MOST_CHARACTERS]
