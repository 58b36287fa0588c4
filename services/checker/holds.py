"""Who is held for what could not be read: by the letters on the log, and by the facts that place and release holds."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.checker.facts import Fact, Facts, source_of
from services.checker.topics import ACCEPTED, INBOUND, OUTCOMES

SENDER = "switchboard-sender"
# Of more than these a row keeps one word for all.
MOST = 64
_CONTACT_KEY = re.compile(rb"[a-z0-9][a-z0-9_-]*\|[0-9a-f]{32}")
# What else stands among the accepted is nobody's word.
_WORDS = frozenset({"consent_accepted", "contact_linked"})


class Hold(NamedTuple):
    """One contact's hold for one record, with every fact that placed or released it."""

    contact: str
    position: str
    placed: Sequence[Fact]
    released: Sequence[Fact]

    @property
    def source(self) -> tuple[str, int]:
        """The topic and the offset of what could not be read."""
        return self.position.partition("/")[0], offset_of(self.position)


def of_person(letter: Fact) -> str | None:
    """The contact who must be held for a dead letter, if anybody."""
    told = dict(letter.entry.headers)
    topic = told.get("source-topic", b"").decode(errors="replace")
    if topic not in (INBOUND, ACCEPTED, OUTCOMES) or not _CONTACT_KEY.fullmatch(letter.entry.key):
        return None
    steps = told.get("steps", b"").decode(errors="replace")
    if steps and "suppression" not in steps.split(","):
        return None
    if steps and topic == ACCEPTED and letter.event.get("event_type") not in _WORDS:
        return None
    return letter.entry.key.decode()


def holds(facts: Facts) -> Sequence[Hold]:
    """All that were ever placed."""
    placed: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
    released: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
    through: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts.sound(ACCEPTED):
        contact, hold = fact.text("contact"), fact.text("hold")
        if fact.event.get("event_type") == "hold_placed":
            placed[contact, hold].append(fact)
        elif fact.event.get("event_type") == "hold_released":
            released[contact, hold].append(fact)
            if fact.event.get("earlier"):
                through[contact, hold.rpartition("@")[0]].append(fact)
    return [
        Hold(contact, hold, by, [*released[contact, hold], *_through(hold, through[contact, hold.rpartition("@")[0]])])
        for (contact, hold), by in placed.items()
    ]


def standing(facts: Facts) -> Mapping[str, Sequence[Hold]]:
    """By contact, those that nobody has released."""
    found: defaultdict[str, list[Hold]] = defaultdict(list)
    for one in holds(facts):
        if not one.released:
            found[one.contact].append(one)
    return found


def unplaced(facts: Facts) -> Sequence[tuple[Fact, str]]:
    """Letters of a person that place no hold on them, each with the contact."""
    placed = {(one.contact, one.position) for one in holds(facts)}
    return [
        (letter, contact)
        for letter in facts.letters
        if (contact := of_person(letter)) is not None and (contact, source_of(letter)) not in placed
    ]


def offset_of(position: str) -> int:
    offset = position.rpartition("@")[2]
    return int(offset) if offset.isdigit() else 0


def _through(hold: str, releases: Sequence[Fact]) -> Sequence[Fact]:
    return [fact for fact in releases if offset_of(fact.text("hold")) >= offset_of(hold)]
