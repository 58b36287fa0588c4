"""The tally with a second table behind it, whose rows ask to be woken: each tells what became of the other."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from services.contract import codec, topics
from services.contract.topic import Topic
from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.runtime.folding.fold import Fold, FoldFunction, Step, Table
from tests.folding import tally
from tests.folding.tally import Counted, Fact

TABLE = "watch"
# What rows are listed under that ask to be woken.
WAITING = "waiting"
# A fact whose note is `ring <time>` asks for two wakings, the second so much later.
RING = "ring "
SECOND_S = 1.0


class Rang(msgspec.Struct, frozen=True):
    """A row was woken. `number` is how many facts it had heard of by then."""

    event_id: str
    key: str
    at: str
    number: int


class Watch(msgspec.Struct, frozen=True):
    key: str
    number: int = 0
    chain: str = ""
    due: list[str] = []
    # So that a fact that is folded again after a kill does not ask again.
    asked: str = ""


def watch(state: Watch | None, event: Counted | Fact | Due) -> tuple[Watch | None, Sequence[Rang]]:
    before = state or Watch(event.key)
    if isinstance(event, Due):
        assert before.due[0] == event.at
        rang = Rang(event_id(event.key, event.at), event.key, event.at, before.number)
        return msgspec.structs.replace(before, due=before.due[1:]), [rang]
    if isinstance(event, Fact):
        if not event.note.startswith(RING) or event.note == before.asked:
            return state, []
        due = times(event.note.removeprefix(RING))
        return msgspec.structs.replace(before, due=due, asked=event.note), []
    chain = hashlib.sha256(f"{before.chain}{event.chain}".encode()).hexdigest()[:16]
    return msgspec.structs.replace(before, number=before.number + 1, chain=chain), []


def times(at: str) -> list[str]:
    return [at, later(at, SECOND_S)]


def event_id(key: str, at: str) -> str:
    return derived_event_id(key, "rang", at)


def register(derived: str, rang: str) -> None:
    tally.register(derived)
    topics._BY_TYPE[Rang] = Topic(rang, Rang, lambda event: event.key, "key", None)


def watched_fold(source_name: str, function: FoldFunction = tally.fold, index: int = 1) -> Fold:
    """`index`: the version under which rows are listed, from 2 on by that name too."""
    waiting = [WAITING, *(f"{WAITING} {number}" for number in range(2, index + 1))]
    key: Callable[[Any], str] = lambda event: event.key  # noqa: E731
    steps = (
        Step(function, Table(tally.FOLD, tally.Tally, key)),
        Step(
            watch,
            Table(
                TABLE,
                Watch,
                key,
                due=lambda row: row.due[0] if row.due else None,
                lists=lambda row: waiting if row.due else [],
                index=index,
            ),
            takes=(Counted, Fact),
        ),
    )
    contract = tally.contract(source_name)
    emits = (*contract.emits, topics._BY_TYPE[Rang])
    return Fold(contract._replace(keeps=(tally.FOLD, TABLE), emits=emits), steps)


def expected(log: Iterable[bytes | None]) -> tuple[Mapping[str, Watch], set[str]]:
    """The oracle, of a log that asks once for each key: rows once nothing is due, and the ids of what must ring."""
    tallies: dict[str, Any] = {}
    rows: dict[str, Watch] = {}
    rung: set[str] = set()
    for value in log:
        fact = codec.decode(value, Fact)
        tallies[fact.key], counted = tally.fold(tallies.get(fact.key), fact)
        if fact.note.startswith(RING):
            rung |= {event_id(fact.key, at) for at in times(fact.note.removeprefix(RING))}
        events: list[Any] = [*counted, fact]
        for event in events:
            row = watch(rows.get(event.key), event)[0]
            if row is not None:
                rows[event.key] = msgspec.structs.replace(row, due=[])
    return rows, rung
