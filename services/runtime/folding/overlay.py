"""Folding one batch over the tables, in memory: what a flush is about to write, and nothing written yet.

A record that cannot be decoded, folded or written for its size becomes a dead letter; whatever else goes wrong (a
store that cannot be read) comes out and stops the process: then the record is not at fault.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from services.contract import codec
from services.contract.topics import topic_of
from services.domain.due import Due
from services.runtime import metrics
from services.runtime.batches import Unread
from services.runtime.folding import index
from services.runtime.folding.dead import dead_letter
from services.runtime.folding.fold import Emission, Fold, Record, Step, Table

logger = logging.getLogger(__name__)

# A record of this size fits a batch that brokers take with their default of 1 MiB, with room for framing.
MAX_RECORD_BYTES = 960 * 1024
# A row that asks for the past again and again would hold its partition up.
_MOST_WAKINGS = 16


class _Unreadable(Exception):
    """The store cannot be read: its cause is to come out, and no record is at fault."""


class TooLarge(ValueError):
    """An event or a row came out larger than a broker takes."""


class Row(NamedTuple):
    """A row as it is and as it is written, both None when it is removed; and as it is committed."""

    value: Any
    encoded: bytes | None
    committed: Any
    # The index rows that go with the value.
    entries: frozenset[bytes] = frozenset()


class _Staged(NamedTuple):
    """What one event comes to; kept only when all of it can be."""

    rows: dict[tuple[str, str], Row]
    derived: list[msgspec.Struct]


class Overlay:
    """The rows and emissions of one flush. `read` gives a committed row by table and key, or None."""

    def __init__(self, fold: Fold, read: Callable[[Table, str], Any]) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.folded: dict[tuple[str, int], int] = {}
        # Of what is to be written, in bytes; a row that changes again counts again.
        self.size = 0
        # By table, index rows that fit no row.
        self.outdated: dict[str, list[bytes]] = {}
        self._emissions: list[Emission] = []
        # Of topics whose values replace each other: the last of each.
        self._latest: dict[tuple[str, str], Emission] = {}
        self._fold = fold
        self._read = read
        self._sources = {topic.name: topic for topic in fold.sources}

    @property
    def emissions(self) -> list[Emission]:
        """What is to be written, each once."""
        return [*self._emissions, *self._latest.values()]

    def record(self, record: Record) -> None:
        """Fold a record of the log, or make it a dead letter."""
        self.folded[record.topic, record.partition] = record.offset
        source = self._sources[record.topic]
        try:
            if isinstance(record.value, Unread):
                raise codec.DecodeError(record.value.why)
            event = self._fold.read(record) if self._fold.read else codec.decode(record.value, source.event or bytes)
        except codec.DecodeError as error:
            self._bury(record, "undecodable", str(error))
            for told in self._fold.refused(record, str(error)):
                self._emissions.append(emission(told, None))
            return
        try:
            self._keep(self._change(event), codec.traceparent(record.headers))
        except _Unreadable as error:
            raise error.__cause__ or error from None
        except TooLarge as error:
            self._bury(record, "too_large", str(error))
        except ValueError as error:
            self._bury(record, "unfoldable", str(error))
        except Exception as error:
            # A defect of ours in a pure function would come back at every retry: keep the record, and go on.
            logger.exception(
                "fold %s failed on %s/%d@%d", self._fold.name, record.topic, record.partition, record.offset
            )
            self._bury(record, "defect", type(error).__name__)

    def local(self, event: Any) -> None:
        """Fold an event of our own. Raises ValueError when it has no place."""
        try:
            self._keep(self._change(event), None)
        except _Unreadable as error:
            raise error.__cause__ or error from None

    def wake(self, step: Step, key: str, now: str) -> bool:
        """Give a row its `Due`, as often as it asks for a time that is not after `now`.

        False when that fails, for a defect of ours: it must not hold up what else the partition has to do.
        """
        try:
            for _ in range(_MOST_WAKINGS):
                if not self._woken(step, key, now):
                    break
        except _Unreadable as error:
            raise error.__cause__ or error from None
        except Exception:
            logger.exception("fold %s failed to wake a row", self._fold.name)
            metrics.DEAD.labels(self._fold.name, "defect").inc()
            return False
        return True

    def _woken(self, step: Step, key: str, now: str) -> bool:
        """Wake a row once; False when it asks for no time that has come."""
        table = step.table
        if table is None or table.due is None:
            return False
        row = self._row(table, key)
        due = None if row.value is None else table.due(row.value)
        if due is None or due > now:
            return False
        staged = _Staged({}, [])
        self._step(step, Due(key=key, at=due), key, row, staged)
        self._rest(self._fold.steps[self._fold.steps.index(step) + 1 :], staged)
        self._keep(staged, None)
        return True

    def belongs(self, entry: bytes, table: Table, key: str) -> bool:
        """Is this index row of the row as it is committed, so that it goes with its change, or as it is now?"""
        row = self._row(table, key)
        return entry in index.entries(table, key, row.committed) or entry in index.entries(table, key, row.value)

    def _row(self, table: Table, key: str) -> Row:
        changed = self.rows.get((table.name, key))
        if changed is not None:
            return changed
        try:
            committed = self._read(table, key)
        except Exception as error:
            raise _Unreadable from error
        return Row(committed, None, committed)

    def _change(self, event: Any) -> _Staged:
        staged = _Staged({}, [])
        for position, step in enumerate(self._fold.steps):
            if not _takes(step, event):
                continue
            if step.table is None:
                staged.derived.extend(step.function(None, event)[1])
                continue
            key = step.table.key(event)
            before = len(staged.derived)
            self._step(step, event, key, self._row(step.table, key), staged)
            self._rest(self._fold.steps[position + 1 :], staged, before)
        return staged

    def _rest(self, steps: Iterable[Step], staged: _Staged, start: int = 0) -> None:
        """Hand what was derived to the steps that take it."""
        for step in steps:
            if (table := step.table) is None or step.takes is None:
                continue
            for event in [one for one in staged.derived[start:] if isinstance(one, step.takes)]:
                key = table.key(event)
                self._step(step, event, key, self._row(table, key), staged)

    @staticmethod
    def _step(step: Step, event: Any, key: str, row: Row, staged: _Staged) -> None:
        table = step.table
        if table is None:
            return
        row = staged.rows.get((table.name, key), row)
        after, derived = step.function(row.value, event)
        # Everything is encoded before anything is kept, so that a row never stands without its events.
        if after != row.value:
            encoded = None if after is None else codec.encode(after)
            _fits(len(encoded or b""))
            # Raises for a row whose times make no sense, while its event can still be put aside.
            entries = index.entries(table, key, after)
            staged.rows[table.name, key] = Row(after, encoded, row.committed, entries)
        staged.derived.extend(derived)

    def _keep(self, staged: _Staged, traceparent: bytes | None) -> None:
        emissions = []
        latest = {}
        for event in staged.derived:
            topic = topic_of(event)
            if topic.replaces:
                latest[topic.name, topic.replaces(event)] = emission(event, traceparent)
            else:
                emissions.append(emission(event, traceparent))
        self.rows.update(staged.rows)
        self.size += sum(len(row.encoded or b"") for row in staged.rows.values())
        self._emissions += emissions
        self._latest.update(latest)
        self.size += sum(len(one.value or b"") for one in (*emissions, *latest.values()))

    def _bury(self, record: Record, reason: str, detail: str) -> None:
        metrics.DEAD.labels(self._fold.name, reason).inc()
        self._emissions.append(dead_letter(self._sources[record.topic], record, reason, detail))


def _takes(step: Step, event: Any) -> bool:
    return step.takes is None or isinstance(event, step.takes)


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
