"""Public commands as they stand on the log, and what was accepted of them, told apart without the product's rules."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from services.checker.facts import Fact, Facts, gathered
from services.checker.topics import ACCEPTED, CONSENT_COMMANDS, FOLLOWUPS, MESSAGES, PUBLIC, RESULTS, STARTS, owner

# What is longer is no command.
MOST_BYTES = 64 * 1024
_MOST_CHARACTERS = 128
_ABOUT_ANOTHER = (
    *("resolve_ambiguous", "cancel_message", "reschedule_message"),
    *("resolve_execution", "cancel_execution"),
)
# A parser may give up on what is nested that deeply.
_DEEP = 128


class Called(NamedTuple):
    """Accepted commands that call Twilio. `topic`: by which they came.

    `sid`: the field of a result that names what they created, where that is no message, and has a field of its own.
    """

    topic: str
    sid: str | None = None


# By event type, a line for each product.
CALLED = {
    "send_accepted": Called(MESSAGES),
    "execution_accepted": Called(STARTS, "execution_sid"),
    "follow_up_accepted": Called(FOLLOWUPS),
}
# What came by one topic alone.
_PRODUCED = {"consent_accepted": (CONSENT_COMMANDS,)} | {name: (one.topic,) for name, one in CALLED.items()}
# Where cancels and resolutions are taken: nothing says of one by which it came.
_OF_ANOTHER = (MESSAGES, STARTS)

# Topic, tenant and command id, as a record names them.
_Named = tuple[str, str, str]


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
    def said_by(self) -> str:
        """The tenant whose topic or key it came by; else the one that it names, as anybody could."""
        return owner(self.fact.entry.topic) or _signer(self.fact) or self.tenant

    @property
    def about_another(self) -> bool:
        return self.fact.event.get("event_type") in _ABOUT_ANOTHER


def _signer(fact: Fact) -> str:
    """The tenant that a signature names. It may be forged: then nobody is told of it by name."""
    said = next((content for name, content in fact.entry.headers if name == "producer-signature"), b"")
    key = said.decode("utf-8", "replace").split(" ")[1:2]
    return key[0].partition("/")[0] if key else ""


def identity(event: Mapping[str, object]) -> Identity:
    """The identity that an event of the product names."""
    return Identity(str(event.get("tenant")), str(event.get("contact")), str(event.get("command_id")))


def created_messages(facts: Facts) -> Sequence[Fact]:
    """The results that say that a message was created; not those of commands that create none."""
    sids = [one.sid for one in CALLED.values() if one.sid is not None]
    kinds = CALLED.keys() - {"send_accepted"}
    others = {identity(fact.event) for fact in facts.sound(ACCEPTED) if fact.event.get("event_type") in kinds}
    sent = [fact for fact in facts.sound(RESULTS) if fact.event.get("step") == "sent"]
    return [one for one in sent if identity(one.event) not in others and not any(one.event.get(sid) for sid in sids)]


@gathered
def asked(facts: Facts) -> Sequence[Asked]:
    """All commands in the log, each with what was accepted of it."""
    accepted = _accepted(facts)
    read = [
        (fact, (topic, *_named(fact)), iso(fact.entry.timestamp))
        for topic in PUBLIC
        for fact in facts.of(topic)
        if is_object(fact.entry.value) is True
    ]
    times: defaultdict[_Named, set[str]] = defaultdict(set)
    for _, name, at in read:
        times[name].add(at)
    found = []
    for fact, name, at in read:
        _, tenant, command_id = name
        # Dated as it stands there; or, where a producer's clock was not believed, as no record of its id is.
        known = accepted.get(name, ())
        same = [one for one in known if one.text("accepted_at") == at]
        same = same or [one for one in known if one.text("accepted_at") not in times[name]]
        # A command of one id may be produced twice in one moment: then its offset tells which.
        mine = [one for one in same if one.event.get("sequence", fact.entry.offset) == fact.entry.offset]
        found.append(Asked(fact, tenant, command_id, at, mine[0] if mine else None))
    return found


def unreadable(facts: Facts) -> Sequence[Asked]:
    """What stands there and surely is no command: it is told of all the same."""
    found = []
    for topic in PUBLIC:
        for fact in facts.of(topic):
            if is_object(fact.entry.value) is False:
                tenant, command_id = _named(fact)
                found.append(Asked(fact, tenant, command_id, iso(fact.entry.timestamp), None))
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


def _accepted(facts: Facts) -> Mapping[_Named, Sequence[Fact]]:
    found: defaultdict[_Named, list[Fact]] = defaultdict(list)
    for fact in facts.sound(ACCEPTED):
        for topic in _PRODUCED.get(str(fact.event.get("event_type")), _OF_ANOTHER):
            found[topic, fact.text("tenant"), fact.text("command_id")].append(fact)
    return found


def _named(fact: Fact) -> tuple[str, str]:
    """Tenant and command id by which a record is told of: what it says of itself, be it a number or no strict JSON.

    Without an id it is told of under its key, and without a key under its place.
    """
    try:
        said = json.loads((fact.entry.value or b"").decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        said = None
    names = said if isinstance(said, dict) else {}
    key = fact.entry.key.decode("utf-8", "replace")[:_MOST_CHARACTERS]
    return _text(names.get("tenant")), _text(names.get("command_id")) or key or fact.at


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:_MOST_CHARACTERS].encode("utf-8", "replace").decode()
