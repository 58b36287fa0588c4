"""What a topic is: its name, type, key, retention and compaction; and the own topics of tenants beside public ones."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple, get_args

import msgspec

MONTH = timedelta(days=30)
WEEK = timedelta(days=7)
QUARTER = timedelta(days=90)
YEAR = timedelta(days=365)


class Topic(NamedTuple):
    """A topic of the product. `key` gives an event's key; compacted, it keeps the last of each, and nothing else.

    `retention` None: for ever.
    """

    name: str
    # A type or a union of several; None: the values are whatever bytes could not be folded (dead letters).
    event: Any
    key: Callable[[Any], str]
    key_is: str
    retention: timedelta | None
    compacted: bool = False
    # Where each value states the whole again: of what? Of one flush only the last of each is written.
    replaces: Callable[[Any], str] | None = None
    # Anyone may produce to a public topic, in any key: it is decoded with distrust.
    public: bool = False

    @property
    def types(self) -> tuple[type[msgspec.Struct], ...]:
        """What its values may be."""
        return get_args(self.event) or ((self.event,) if self.event else ())

    @property
    def dead(self) -> str:
        """Where this topic's records go that could not be decoded or folded; a tenant's own share the shared one's."""
        return f"{shared_name(self.name).removesuffix('.v1')}.dead.v1"


# Between the name of a public topic and that of the tenant whose own it is.
_OWN = ".t."
_OWNED = re.compile(r"(?P<shared>twilio\.[a-z.]+)\.t\.(?P<tenant>[a-z0-9][a-z0-9_-]{0,62})\.v1", re.ASCII)


def own_topic(topic: Topic, tenant: str) -> Topic:
    """The public topic of a tenant: what stands there is said by who may write there, which is that tenant."""
    return topic._replace(name=f"{own_prefix(topic)}{tenant}.v1")


def own_prefix(topic: Topic) -> str:
    """What the names of all tenants' own topics begin with, and no other topic's."""
    return f"{topic.name.removesuffix('.v1')}{_OWN}"


def owner_of(name: str) -> str | None:
    """The tenant whose own topic this is; None for a topic that is nobody's own."""
    found = _OWNED.fullmatch(name)
    return found["tenant"] if found else None


def shared_name(name: str) -> str:
    """The topic that a tenant's own stands for; any other name as it is."""
    found = _OWNED.fullmatch(name)
    return f"{found['shared']}.v1" if found else name
