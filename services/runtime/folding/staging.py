"""What one event comes to, step by step, encoded before anything is kept: so a row never stands without its events."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from services.contract import codec
from services.contract.fold import FoldContract
from services.contract.topics import topic_of
from services.domain.between import Between
from services.runtime.folding import index
from services.runtime.folding.fold import Emission, Step, Table

# A record of this size fits a batch that brokers take with their default of 1 MiB, with room for framing.
MAX_RECORD_BYTES = 960 * 1024


class TooLarge(ValueError):
    """An event or a row came out larger than a broker takes."""


class Undeclared(RuntimeError):
    """A fold emitted to a topic that its contract does not name: nobody has given it the right to write there."""


class Row(NamedTuple):
    """A row as it is and as it is written, both None when it is removed; and as it is committed."""

    value: Any
    encoded: bytes | None
    committed: Any
    # The index entries that go with the value.
    entries: frozenset[bytes] = frozenset()


class Told(NamedTuple):
    """What is emitted. `replaces`: of what it states the whole, so that of one flush only the last is written."""

    emission: Emission
    replaces: tuple[str, str] | None


class Staged:
    """Rows and emissions of one event. `row` gives a row as it is now; `tell` makes the record of a derived event."""

    def __init__(self, row: Callable[[Table, str], Row], tell: Callable[[msgspec.Struct], Told]) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.told: list[Told] = []
        self.derived: list[msgspec.Struct] = []
        self._row = row
        self._tell = tell

    def take(self, step: Step, given: Iterable[tuple[str, Any]]) -> None:
        """Let a step fold these events, each with its row's key, or none of them. Raises what the step raises."""
        rows: dict[tuple[str, str], Row] = {}
        derived: list[msgspec.Struct] = []
        for key, event in given:
            derived += self._fold(step, key, event, rows)
        told = [self._tell(event) for event in derived if not isinstance(event, Between)]
        self.rows |= rows
        self.told += told
        self.derived += derived

    def _fold(self, step: Step, key: str, event: Any, rows: dict[tuple[str, str], Row]) -> Iterable[msgspec.Struct]:
        table = step.table
        if table is None:
            return step.function(None, event)[1]
        name = table.name, key
        row = rows.get(name) or self.rows.get(name) or self._row(table, key)
        after, derived = step.function(row.value, event)
        if after != row.value:
            encoded = None if after is None else codec.encode(after)
            _fits(len(encoded or b""))
            # Raises for a row whose times make no sense, while its event can still be put aside.
            rows[name] = Row(after, encoded, row.committed, index.entries(table, key, after))
        return derived


def tell(contract: FoldContract, traceparent: bytes | None, event: msgspec.Struct) -> Told:
    """What is emitted of a derived event. Raises TooLarge, and Undeclared."""
    topic = topic_of(event)
    if topic not in contract.emits:
        raise Undeclared(f"fold {contract.name} emits to {topic.name}, and its contract does not say so")
    return Told(emission(event, traceparent), (topic.name, topic.replaces(event)) if topic.replaces else None)


def emission(event: msgspec.Struct, traceparent: bytes | None) -> Emission:
    """The record of a derived event. Raises TooLarge."""
    topic = topic_of(event)
    record = Emission(
        topic.name, topic.key(event).encode(), codec.encode(event), codec.headers(topic.name, traceparent)
    )
    _fits(len(record.key) + len(record.value or b""))
    return record


def _fits(size: int) -> None:
    if size > MAX_RECORD_BYTES:
        raise TooLarge(f"{size} bytes would have to be written; a record has at most {MAX_RECORD_BYTES}")
