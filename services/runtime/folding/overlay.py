"""Folding one batch over the tables, in memory: what a flush is about to write, and nothing written yet.

A record that cannot be decoded becomes a dead letter, and one that a step cannot fold, or whose row or event is too
large; the other steps fold it all the same. Whatever else goes wrong (a store that cannot be read) comes out and stops
the process: then the record is not at fault.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import msgspec

from services.contract import codec
from services.domain.between import Between
from services.domain.due import Due
from services.domain.whose import is_anothers
from services.runtime import metrics
from services.runtime.batches import Unread
from services.runtime.folding import burying, index
from services.runtime.folding.burying import Failed
from services.runtime.folding.dead import Why
from services.runtime.folding.fold import Emission, Fold, Record, Step, Table
from services.runtime.folding.telling import Told, fits, tell

logger = logging.getLogger(__name__)

# A row that asks for the past again and again would hold its partition up.
_MOST_WAKINGS = 16


class _Unreadable(Exception):
    """The store cannot be read: its cause is to come out, and no record is at fault."""


class Row(msgspec.Struct, frozen=True):
    """A row as it is and as it is written, both None when it is removed; and as it was before the flush, with the index
    entries that go with both. Of a row that is as it was they are not known."""

    value: Any
    encoded: bytes | None
    was: Any
    entries: frozenset[bytes] = frozenset()
    had: frozenset[bytes] | None = None


# The index entries of a row of a table, given its key and itself.
Had = Callable[[Table, str, Any], frozenset[bytes]]


class Moved(NamedTuple):
    """A row's table and key; its value and its index entries before; and as it is now."""

    place: tuple[str, str]
    before: Any
    had: frozenset[bytes]
    row: Row


class _Staged:
    """What one event comes to, step by step, encoded before anything is kept: so a row never stands without its events.

    `row` gives a row as it is now, `had` the entries of one that has not changed yet; `tell` makes the record of a
    derived event.
    """

    def __init__(
        self, fold: Fold, row: Callable[[Table, str], Row], had: Had, tell: Callable[[msgspec.Struct], Told]
    ) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.told: list[Told] = []
        self._fold = fold
        self._row = row
        self._had = had
        self._tell = tell
        # By the place of a step, what the steps before it have derived that it takes; mostly there is none.
        self._waiting: dict[int, list[msgspec.Struct]] = {}

    def waiting(self, place: int) -> list[tuple[str, Any]]:
        """What the steps before have derived, of what the step in this place takes, each with its row's key."""
        waiting = self._waiting.get(place)
        return [keyed for one in waiting for keyed in self._fold.steps[place].keyed(one)] if waiting else []

    def take(self, step: Step, given: Iterable[tuple[str, Any]]) -> None:
        """Let a step fold these events, each with its row's key, or none of them. Raises what the step raises."""
        rows: dict[tuple[str, str], Row] = {}
        derived: list[msgspec.Struct] = []
        table = step.table
        for key, event in given:
            if table is None:
                derived += step.function(None, event)[1]
                continue
            name = table.name, key
            row = rows.get(name) or self.rows.get(name) or self._row(table, key)
            after, told = step.function(row.value, event)
            if after != row.value:
                rows[name] = _written(table, key, row, after, self._had)
            derived += told
        if derived:
            self.told += [self._tell(event) for event in derived if not isinstance(event, Between)]
            for event in derived:
                for place in self._fold.takers(type(event)):
                    self._waiting.setdefault(place, []).append(event)
        self.rows |= rows


def _written(table: Table, key: str, row: Row, after: Any, had: Had) -> Row:
    """A row as it is after an event. Raises TooLarge."""
    encoded = None if after is None else codec.encode(after)
    fits(len(encoded or b""))
    # Raises for a row whose times make no sense, while its event can still be put aside.
    entries = index.entries(table, key, after)
    return Row(after, encoded, row.was, entries, had(table, key, row.was) if row.had is None else row.had)


class Overlay:
    """The rows and emissions of one flush. `read` gives a row as it is before it, by table and key, or None; `had` the
    entries of what was read."""

    def __init__(self, fold: Fold, read: Callable[[Table, str], Any], had: Had = index.entries) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.folded: dict[tuple[str, int], int] = {}
        # Of what is to be written, in bytes; a row that changes again counts again.
        self.size = 0
        # When the webhooks were received that were folded.
        self.received: list[str] = []
        self._emissions: list[Emission] = []
        # Of topics whose values replace each other: the last of each.
        self._latest: dict[tuple[str, str], Emission] = {}
        # What changed since it was last asked: value and entries before.
        self._before: dict[tuple[str, str], tuple[Any, frozenset[bytes]]] = {}
        self._fold = fold
        self._read = read
        self._had = had
        self._sources = {topic.name: topic for topic in fold.sources}
        self._unhurried = {table.name for table in fold.tables if table.unhurried}
        self._told = partial(tell, fold)

    @property
    def tells(self) -> bool:
        """Is anything emitted?"""
        return bool(self._emissions or self._latest)

    @property
    def is_unhurried(self) -> bool:
        """Are all rows that have changed of tables for which nobody waits?"""
        return {name for name, _ in self.rows} <= self._unhurried

    @property
    def emissions(self) -> list[Emission]:
        """What is to be written, each once."""
        return [*self._emissions, *self._latest.values()]

    def moved(self) -> list[Moved]:
        """What has changed since this was last asked."""
        moved = [Moved(place, *before, self.rows[place]) for place, before in self._before.items()]
        self._before.clear()
        return moved

    def record(self, record: Record) -> None:
        """Fold a record of the log; what cannot be decoded, or not by every step, is a dead letter too.

        Raises NewerFormat for a record that a newer release wrote, and ConfigError for one whose contact key was
        made by other aliases: both stop the process.
        """
        self.folded[record.topic, record.partition] = record.offset
        try:
            event = self._event(record)
        except codec.DecodeError as error:
            self._bury(record, None, Why("undecodable", str(error)))
            for told in self._fold.refused(record, str(error)):
                self._emit(self._told(None, told).emission)
            return
        burying.refuse_other_aliases(record)
        if is_anothers(event):
            # Nothing of that contact is in doubt: whose it is has not spoken. So nobody is held for it either.
            why = Why("anothers", f"a fact of {event.tenant} names a contact of another tenant")
            self._emit(burying.put_aside(self._fold, record, why))
            return
        staged, failed = self._change(event, codec.traceparent(record.headers))
        self._keep(staged)
        if received := getattr(event, "received_at", None):
            self.received.append(received)
        if failed:
            self._bury(record, event, burying.why(self._fold, record, failed))

    def local(self, event: Any) -> None:
        """Fold an event of our own, by all steps or none. Raises ValueError when it has no place."""
        staged, failed = self._change(event, None)
        if failed:
            raise failed[0].error
        self._keep(staged)

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
        staged = _Staged(self._fold, self._row, self._had, partial(self._told, None))
        staged.take(step, [(key, Due(key=key, at=due))])
        for place in range(self._fold.steps.index(step) + 1, len(self._fold.steps)):
            staged.take(self._fold.steps[place], staged.waiting(place))
        self._keep(staged)
        return True

    def _event(self, record: Record) -> Any:
        source = self._sources[record.topic]
        if isinstance(record.value, Unread):
            raise codec.DecodeError(record.value.why)
        if not source.public:
            codec.refuse_newer(record.headers, f"{record.topic}/{record.partition}@{record.offset}")
        return self._fold.read(record) if self._fold.read else codec.decode(record.value, source.event or bytes)

    def _row(self, table: Table, key: str) -> Row:
        changed = self.rows.get((table.name, key))
        if changed is not None:
            return changed
        try:
            was = self._read(table, key)
        except Exception as error:
            raise _Unreadable from error
        return Row(was, None, was)

    def _change(self, event: Any, traceparent: bytes | None) -> tuple[_Staged, list[Failed]]:
        """What an event comes to by the steps that could take it, and those that could not."""
        staged = _Staged(self._fold, self._row, self._had, partial(self._told, traceparent))
        failed = []
        named = self._fold.takers(type(event))
        for place, step in enumerate(self._fold.steps):
            try:
                given = staged.waiting(place)
                if step.takes is None or place in named:
                    given += step.keyed(event)
                if given:
                    staged.take(step, given)
            except _Unreadable as error:
                raise error.__cause__ or error from None
            except Exception as error:
                failed.append(Failed(step.table.name if step.table else self._fold.name, error))
        return staged, failed

    def _keep(self, staged: _Staged) -> None:
        for place, row in staged.rows.items():
            if place not in self._before:
                known = self.rows.get(place)
                self._before[place] = (known.value, known.entries) if known else (row.was, row.had or frozenset())
            self.rows[place] = row
            self.size += len(row.encoded or b"")
        latest: dict[tuple[str, str], Emission] = {}
        for emission, replaces in staged.told:
            if replaces is None:
                self._emit(emission)
            else:
                latest[replaces] = emission
        if latest:
            self._latest |= latest
            self.size += sum(len(one.value or b"") for one in latest.values())

    def _emit(self, emission: Emission) -> None:
        self._emissions.append(emission)
        self.size += len(emission.value or b"")

    def _bury(self, record: Record, event: Any, why: Why) -> None:
        words = burying.words(self._fold, record, event, why)
        self._emit(burying.put_aside(self._fold, record, why, bool(words)))
        for told in words:
            self._tell_and_fold(told, record)

    def _tell_and_fold(self, told: Any, record: Record) -> None:
        """Emit it, and let it count here at once: in order it comes off the log later."""
        self._emit(self._told(codec.traceparent(record.headers), told).emission)
        staged, failed = self._change(told, None)
        self._keep(staged)
        if failed:
            metrics.UNATTRIBUTED.labels(self._fold.name).inc()
            logger.error("a hold for %s could not be folded", told, exc_info=failed[0].error)
