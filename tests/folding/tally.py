"""A fold that notices every mistake of its adapter, and the oracle that says what should have come out.

A tally counts the distinct facts of a key and chains their ids. A fact that is lost, folded twice into different
states or folded out of order changes the chain; so does a row that a restore missed. Each fact emits one event
whose id comes from the fact alone: folded from a wrong state, it has the right id and other content.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from services.contract import codec, topics
from services.contract.fold import FoldContract
from services.contract.topic import Topic
from services.domain.identity import derived_event_id
from services.runtime.folding.fold import Fold, Step, Table

FOLD = "tally"


class Fact(msgspec.Struct, frozen=True):
    """What is counted. `note` makes the fold misbehave: `refuse`, `defect`, or what a worker adds."""

    event_id: str
    key: str
    note: str = ""


class Counted(msgspec.Struct, frozen=True):
    event_id: str
    key: str
    number: int
    chain: str


class Tally(msgspec.Struct, frozen=True):
    key: str
    number: int = 0
    chain: str = ""
    seen: tuple[str, ...] = ()


def fold(state: Tally | None, fact: Fact) -> tuple[Tally | None, list[Counted]]:
    if fact.note == "refuse":
        raise ValueError("this fact has no place here")
    if fact.note == "defect":
        raise KeyError("a mistake of the fold's own")
    if fact.note == "forget":
        return None, []
    before = state or Tally(fact.key)
    if fact.event_id in before.seen:
        return before, []
    chain = hashlib.sha256(f"{before.chain}{fact.event_id}".encode()).hexdigest()[:16]
    after = Tally(fact.key, before.number + 1, chain, (*before.seen, fact.event_id))
    return after, [Counted(event_id(fact), fact.key, after.number, chain)]


def event_id(fact: Fact) -> str:
    return derived_event_id(fact.event_id, "counted", "")


def source(name: str) -> Topic:
    return Topic(name, Fact, lambda fact: fact.key, "key", None)


def register(derived: str) -> None:
    """Let events of type `Counted` go to the topic `derived`, as the registry would have it."""
    known = topics._BY_TYPE.get(Counted)
    # Folds that are made already emit to this very topic.
    if known is None or known.name != derived:
        topics._BY_TYPE[Counted] = Topic(derived, Counted, lambda event: event.key, "key", None)


def tally_fold(source_name: str, function: Any = fold, unhurried: bool = False) -> Fold:
    table = Table(FOLD, Tally, lambda fact: fact.key, unhurried=unhurried)
    return Fold(contract(source_name), (Step(function, table),))


def contract(*sources: str) -> FoldContract:
    """What the tally is to the log: it emits to what is registered by now."""
    emits = tuple(topics._BY_TYPE[type_] for type_ in (Counted,) if type_ in topics._BY_TYPE)
    return FoldContract("any", FOLD, tuple(map(source, sources)), (FOLD,), emits)


def expected(log: Iterable[bytes | None]) -> tuple[Mapping[str, Tally], list[Counted]]:
    """The oracle: rows and events of a log that holds each key's facts in order."""
    rows: dict[str, Tally] = {}
    events: list[Counted] = []
    for value in log:
        fact = codec.decode(value, Fact)
        after, derived = fold(rows.get(fact.key), fact)
        if after is None:
            rows.pop(fact.key, None)
        else:
            rows[fact.key] = after
        events += derived
    return rows, events
