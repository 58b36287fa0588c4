"""A fold: what it is to the log, and which functions keep its tables. Topology as data."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, Self

import msgspec

from services.contract.fold import FoldContract
from services.contract.topic import Topic

_LOG_APPEND_TIME = 1


class Emission(NamedTuple):
    """A record to write beside a state change. `value` None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class FoldFunction(Protocol):
    """`fold(state, event) -> (state, derived events)`: total and deterministic. A state of None removes the row.

    Raises ValueError for an event that has no place in any state; it goes to the dead letters.
    """

    def __call__(self, state: Any, event: Any, /) -> tuple[Any, Sequence[msgspec.Struct]]: ...


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, the type of its rows, and the key of the row that an event belongs to."""

    name: str
    row: Any
    key: Callable[[Any], str]
    # When a row wants to be woken, as it stands on the log; None: never. It is then given a `Due`.
    due: Callable[[Any], str | None] | None = None
    # The names that a row is listed under, to be found in their order without reading all rows (`Partition.listed`).
    lists: Callable[[Any], Iterable[str]] | None = None
    # The version of these two: higher, once either says something else of any row. Stores derive their index anew.
    index: int = 1
    # Nobody waits until its rows are committed: a flush that changes no others, and tells nothing, stays open a while.
    unhurried: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A function over a table, or over nothing.

    It takes events of the types named: of the sources, or derived by the steps before it from the same source event.
    None: every event of the sources, and nothing derived.
    """

    function: FoldFunction
    table: Table | None = None
    takes: tuple[type, ...] | None = None
    # What an event does to several rows: a part for each, folded in its place. None: it belongs to one row.
    parts: Callable[[Any], Sequence[Any]] | None = None

    def keyed(self, event: Any) -> list[tuple[str, Any]]:
        """What is folded of an event, each with the key of its row."""
        key = self.table.key if self.table else _no_key
        return [(key(event), event)] if self.parts is None else [(key(part), part) for part in self.parts(event)]


def _no_key(_: Any) -> str:
    return ""


@dataclass(frozen=True)
class Fold:
    """Steps bound to what they are to the log. Rows of all its tables and what is emitted are committed together.

    Raises ValueError where the steps keep other tables than the contract names.
    """

    contract: FoldContract
    steps: tuple[Step, ...]
    # Topics of tenants' own, which are read beside those of the contract.
    own: tuple[Topic, ...] = ()
    # Turns a source record into the event to fold where plain decoding is not enough (public topics).
    # May raise DecodeError: then the record is a dead letter.
    read: "Callable[[Record], Any] | None" = None
    # What to tell about a record that became a dead letter, beside the dead letter.
    refused: "Callable[[Record, str], Sequence[msgspec.Struct]]" = lambda _record, _detail: ()
    # What a dead letter means where the record may have been a person's word: given the record, its event where it
    # could be decoded, and the steps that could not take it. What is told is folded here at once. None: it was
    # somebody's word, and nobody knows whose.
    unheard: "Callable[[Record, Any, Sequence[str]], Sequence[msgspec.Struct] | None]" = lambda _r, _e, _s: ()

    # What stands in the headers of a derived event beside the usual: given the event and its record.
    beside: "Callable[[Any, Emission], Sequence[tuple[str, bytes]]]" = lambda _event, _emission: ()
    # Somebody waits for what comes of its records: its app fetches more often, and soon what it wrote to their topics.
    awaited: bool = False

    def __post_init__(self) -> None:
        if len(self.steps) > 1 and any(step.table is None for step in self.steps):
            raise ValueError(f"fold {self.name}: a step without a table stands alone")
        kept = tuple(table.name for table in self.tables)
        if kept != self.contract.keeps:
            raise ValueError(f"fold {self.name} keeps {', '.join(kept)}; its contract says {self.contract.keeps}")

    @cached_property
    def name(self) -> str:
        return self.contract.name

    @cached_property
    def sources(self) -> tuple[Topic, ...]:
        return (*self.contract.reads, *self.own)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        return tuple(step.table for step in self.steps if step.table is not None)

    def takers(self, type_: type) -> frozenset[int]:
        """The places of the steps that take events of a type by name: it is asked of each event of each flush."""
        found = self._takers.get(type_)
        if found is None:
            named = (place for place, step in enumerate(self.steps) if step.takes and issubclass(type_, step.takes))
            found = self._takers[type_] = frozenset(named)
        return found

    @cached_property
    def _takers(self) -> dict[type, frozenset[int]]:
        return {}


class Record(NamedTuple):
    """A record as consumed: bytes, and whence they came. `timestamp` in milliseconds since 1970.

    `by_broker`: it is the broker's (LogAppendTime); else it is whatever the record's producer says.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    by_broker: bool = False

    @classmethod
    def of(cls, consumed: Any) -> Self:
        """From a record as aiokafka hands it out."""
        return cls(
            consumed.topic,
            consumed.partition,
            consumed.offset,
            consumed.timestamp,
            consumed.key,
            consumed.value,
            consumed.headers,
            consumed.timestamp_type == _LOG_APPEND_TIME,
        )
