"""Which letters are meant. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.contract.letters import Position
from services.contract.topic import Topic, shared_name
from services.contract.topics import DEAD, EVENTS
from services.operations.dead.errors import DeadError
from services.operations.dead.letters import Letter, position
from services.operations.times import limits, milliseconds


class Asked(NamedTuple):
    """Filters, all of which must fit; None and empty ones fit everything. `since`, `until`: when it was put aside."""

    topics: tuple[Topic, ...]
    names: frozenset[Position] = frozenset()
    reason: str | None = None
    since: str | None = None
    until: str | None = None
    key: str | None = None
    contact: str | None = None

    def fits(self, letter: Letter) -> bool:
        """Is this one of them?"""
        return (
            (not self.names or letter.name in self.names)
            and self.reason in (None, letter.reason)
            and (self.since is None or self.since <= letter.at)
            and (self.until is None or letter.at < self.until)
            and (self.key is None or self.key.encode() == letter.key)
            and (self.contact is None or self.contact.encode() == letter.key or self.contact == letter.contact)
        )

    @property
    def from_ms(self) -> int | None:
        """When the first of them may have been written, in milliseconds since 1970."""
        return milliseconds(self.since) if self.since else None

    @property
    def everything(self) -> bool:
        """Is nothing asked for in particular?"""
        return not self.names and self.topics == DEAD and set(self[2:]) == {None}


class Filters(NamedTuple):
    """As a person gives them. `contact` is a contact key."""

    topic: str | None = None
    reason: str | None = None
    since: str | None = None
    until: str | None = None
    key: str | None = None
    contact: str | None = None


def ask_for(names: Sequence[str], filters: Filters) -> Asked:
    """Raises ConfigError, a sentence, for what names no letter, topic or time."""
    since, until = limits(filters.since, filters.until)
    wanted = frozenset(map(position, names))
    return Asked(topics_of(wanted, filters.topic), wanted, filters.reason, since, until, filters.key, filters.contact)


def topics_of(names: Iterable[Position], named: str | None = None) -> tuple[Topic, ...]:
    """Where these letters stand, and those of the topic that is named; all where there are none. Raises DeadError."""
    dead_of = {topic.name: topic.dead for topic in EVENTS}
    known = {topic.name: topic for topic in DEAD}
    wanted = set(map(shared_name, {name.topic for name in names} | ({named} if named else set())))
    if unknown := sorted(name for name in wanted if dead_of.get(name, name) not in known):
        raise DeadError(f"{', '.join(unknown)} has no dead letters; topics that have: {', '.join(known)}")
    chosen = {dead_of.get(name, name) for name in wanted}
    return tuple(topic for topic in DEAD if topic.name in chosen) if chosen else DEAD
