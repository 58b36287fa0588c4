"""What is to be done at the broker so that its topics are those of the registry. Pure: topics in, actions out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from services.contract.topic import Topic, owner_of
from services.contract.topics import CHANGELOGS, DEAD, EVENTS, own_topics

# A table's store that was away for longer may have missed a removal, so it is wiped and read anew.
TOMBSTONES_KEPT = timedelta(days=7)

Kind = Literal["create", "in step", "differs", "refused"]
_FOR_EVER = "-1"
# Of topics that are refused for one reason.
_NAMED = 3
_DAY_MS = 86_400_000
_COMPACTED = {"cleanup.policy": "compact", "delete.retention.ms": str(TOMBSTONES_KEPT // timedelta(milliseconds=1))}


class Shape(NamedTuple):
    """What the settings say of every topic."""

    partitions: int
    replication: int
    min_insync_replicas: int


class Wanted(NamedTuple):
    """A topic as it should be. `config` holds only the keys that are ours to set."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


class Actual(NamedTuple):
    """A topic as the broker has it: the least replication of its partitions, and every key's effective value."""

    partitions: int
    replication: int
    config: Mapping[str, str]


class Action(NamedTuple):
    """What to do about one topic. `changes` are the keys to set; `why` says it to people, a line for each thing."""

    kind: Kind
    topic: Wanted
    changes: Mapping[str, str]
    why: tuple[str, ...]


def wanted(shape: Shape, tenants: Iterable[str] = ()) -> list[Wanted]:
    """Every topic of the product: events, dead letters and changelogs; and those of tenants that have their own."""
    topics = (*EVENTS, *DEAD, *own_topics(tenants))
    configs = {topic.name: _config(topic) for topic in topics} | dict.fromkeys(CHANGELOGS, _COMPACTED)
    durable = {"min.insync.replicas": str(shape.min_insync_replicas)}
    return [
        Wanted(name, shape.partitions, shape.replication, {**config, **durable}) for name, config in configs.items()
    ]


def _config(topic: Topic) -> dict[str, str]:
    if topic.compacted:
        return _COMPACTED
    kept = topic.retention
    milliseconds = str(kept // timedelta(milliseconds=1)) if kept else _FOR_EVER
    # Whoever may produce there must not choose the time by which consent and order are decided.
    by_broker = {"message.timestamp.type": "LogAppendTime"} if topic.public else {}
    return {"cleanup.policy": "delete", "retention.ms": milliseconds, **by_broker}


def plan(topics: Iterable[Wanted], found: Mapping[str, Actual], shorten: bool = False) -> list[Action]:
    """An action for each topic wanted; topics that are not ours are not mentioned.

    With `shorten`, a retention that is longer at the broker is cut; without, that is refused.
    """
    return [_action(topic, found.get(topic.name), shorten) for topic in topics]


def refusals(actions: Iterable[Action]) -> list[str]:
    """Why nothing may be done at all: a sentence for each reason, with the topics that are refused for it."""
    named: dict[tuple[str, ...], list[str]] = {}
    for action in actions:
        if action.kind == "refused":
            named.setdefault(action.why, []).append(action.topic.name)
    return [f"{few(names)}: {'; '.join(why)}" for why, names in named.items()]


def few(names: Sequence[str]) -> str:
    """Some topics' names for a sentence: the first, and how many more."""
    more = len(names) - _NAMED
    return f"{', '.join(names[:_NAMED])} and {more} more" if more > 0 else ", ".join(names)


def _action(topic: Wanted, actual: Actual | None, shorten: bool) -> Action:
    if actual is None:
        why = f"{topic.partitions} partitions, replication {topic.replication}"
        return Action("create", topic, topic.config, (why, *_afterwards(topic.name)))
    changes = {key: value for key, value in topic.config.items() if not _same(actual.config.get(key), value)}
    if refused := _refusals(topic, actual, changes, shorten):
        return Action("refused", topic, {}, tuple(refused))
    notes = [_drift(key, actual.config.get(key), value) for key, value in changes.items()]
    if actual.replication != topic.replication:
        notes.append(
            f"replication is {actual.replication}, the settings say {topic.replication}: "
            "left as it is; moving replicas is kafka-reassign-partitions' work"
        )
    return Action("differs" if changes else "in step", topic, changes, tuple(notes))


def _afterwards(name: str) -> Iterator[str]:
    if owner := owner_of(name):
        yield f"only {owner}'s producers get write access (`switchboard topics acls producer --tenant {owner}`)"
        yield "then stop all senders, and start them with the new list: beside one with another list none starts"


def _refusals(topic: Wanted, actual: Actual, changes: Mapping[str, str], shorten: bool) -> list[str]:
    found = []
    if actual.partitions != topic.partitions:
        # A key would move to another partition, away from its order and its row.
        found.append(
            f"{actual.partitions} partitions, the settings say {topic.partitions}: partition counts never change "
            f"in place, up or down; set kafka.partitions to {actual.partitions} (another count takes a v2 topic and a "
            "migration)"
        )
    if int(changes.get("min.insync.replicas", 0)) > actual.replication:
        found.append(
            f"min.insync.replicas {changes['min.insync.replicas']} with replication {actual.replication} "
            "would stop every write; raise its replication first"
        )
    before, after = actual.config.get("retention.ms"), changes.get("retention.ms")
    if before and after and not shorten and _longer(before, after):
        found.append(
            f"retention.ms: {_spoken('retention.ms', before)} → {_spoken('retention.ms', after)} would delete "
            "records; --shorten-retention does it"
        )
    return found


def _longer(one: str, other: str) -> bool:
    return other != _FOR_EVER and (one == _FOR_EVER or int(one) > int(other))


def _same(actual: str | None, value: str) -> bool:
    # Kafka keeps a list's order as it was written.
    return actual is not None and sorted(actual.split(",")) == sorted(value.split(","))


def _drift(key: str, actual: str | None, value: str) -> str:
    return f"{key}: {_spoken(key, actual)} → {_spoken(key, value)}"


def _spoken(key: str, value: str | None) -> str:
    if value is None:
        return "unset"
    if not key.endswith(".ms"):
        return value
    if value == _FOR_EVER:
        return "for ever"
    # The broker's greatest value is too long for a timedelta, so: whole days where they are whole.
    days, rest = divmod(int(value), _DAY_MS)
    return f"{value} ms" if rest else f"{days} days"
