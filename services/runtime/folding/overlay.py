"""Folding one batch over the tables, in memory: what a flush is about to write, and nothing written yet.

A record that cannot be decoded becomes a dead letter, and one that a step cannot fold, or whose row or event is too
large; the other steps fold it all the same. Whatever else goes wrong (a store that cannot be read) comes out and stops
the process: then the record is not at fault.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from services.contract import codec
from services.contract.topics import BY_CONTACT
from services.domain.due import Due
from services.domain.whose import is_anothers
from services.runtime import metrics
from services.runtime.batches import Unread
from services.runtime.folding.dead import Why, dead_letter
from services.runtime.folding.fold import Emission, Fold, Record, Step, Table
from services.runtime.folding.staging import Row, Staged, TooLarge, tell
from services.runtime.folding.store import OTHER_ALIASES
from services.runtime.section import ConfigError

logger = logging.getLogger(__name__)

# A row that asks for the past again and again would hold its partition up.
_MOST_WAKINGS = 16


class _Unreadable(Exception):
    """The store cannot be read: its cause is to come out, and no record is at fault."""


class _Failed(NamedTuple):
    """A step that could not take its part of an event."""

    step: str
    error: Exception


class Overlay:
    """The rows and emissions of one flush. `read` gives a committed row by table and key, or None."""

    def __init__(self, fold: Fold, read: Callable[[Table, str], Any]) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.folded: dict[tuple[str, int], int] = {}
        # Of what is to be written, in bytes; a row that changes again counts again.
        self.size = 0
        # When the webhooks were received that were folded.
        self.received: list[str] = []
        self._emissions: list[Emission] = []
        # Of topics whose values replace each other: the last of each.
        self._latest: dict[tuple[str, str], Emission] = {}
        self._fold = fold
        self._read = read
        self._sources = {topic.name: topic for topic in fold.sources}
        self._told = partial(tell, fold.contract)

    @property
    def emissions(self) -> list[Emission]:
        """What is to be written, each once."""
        return [*self._emissions, *self._latest.values()]

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
                self._emissions.append(self._told(None, told).emission)
            return
        self._refuse_other_aliases(record)
        if is_anothers(event):
            # Nothing of that contact is in doubt: whose it is has not spoken. So nobody is held for it either.
            self._put_aside(record, Why("anothers", f"a fact of {event.tenant} names a contact of another tenant"))
            return
        staged, failed = self._change(event, codec.traceparent(record.headers))
        self._keep(staged)
        if received := getattr(event, "received_at", None):
            self.received.append(received)
        if failed:
            self._bury(record, event, self._why(record, failed))

    @staticmethod
    def _refuse_other_aliases(record: Record) -> None:
        if record.topic in BY_CONTACT and (version := codec.other_aliases(record.headers)):
            place = f"{record.topic}/{record.partition}@{record.offset}"
            raise ConfigError(f"{place}: its contact key is of alias version {version}; {OTHER_ALIASES}")

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
        staged = Staged(self._row, partial(self._told, None))
        staged.take(step, [(key, Due(key=key, at=due))])
        for place in range(self._fold.steps.index(step) + 1, len(self._fold.steps)):
            staged.take(self._fold.steps[place], self._derived(place, staged))
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
            committed = self._read(table, key)
        except Exception as error:
            raise _Unreadable from error
        return Row(committed, None, committed)

    def _change(self, event: Any, traceparent: bytes | None) -> tuple[Staged, list[_Failed]]:
        """What an event comes to by the steps that could take it, and those that could not."""
        staged = Staged(self._row, partial(self._told, traceparent))
        failed = []
        named = self._fold.takers(type(event))
        # The places of steps that take what those before them have derived; mostly there are none.
        expected: frozenset[int] = frozenset()
        for place, step in enumerate(self._fold.steps):
            try:
                given = self._derived(place, staged) if place in expected else []
                if step.takes is None or place in named:
                    given += step.keyed(event)
                if given:
                    staged.take(step, given)
                    expected = expected.union(*(self._fold.takers(type(one)) for one in staged.derived))
            except _Unreadable as error:
                raise error.__cause__ or error from None
            except Exception as error:
                failed.append(_Failed(step.table.name if step.table else self._fold.name, error))
        return staged, failed

    def _derived(self, place: int, staged: Staged) -> list[tuple[str, Any]]:
        """What the steps before have derived, of what the step in this place takes."""
        taken = [one for one in staged.derived if place in self._fold.takers(type(one))]
        step = self._fold.steps[place]
        return [keyed for one in taken for keyed in step.keyed(one)] if step.table is not None else []

    def _keep(self, staged: Staged) -> None:
        for place, row in staged.rows.items():
            self.rows[place] = row
            self.size += len(row.encoded or b"")
        latest: dict[tuple[str, str], Emission] = {}
        for emission, replaces in staged.told:
            if replaces is None:
                self._emissions.append(emission)
                self.size += len(emission.value or b"")
            else:
                latest[replaces] = emission
        if latest:
            self._latest |= latest
            self.size += sum(len(one.value or b"") for one in latest.values())

    def _why(self, record: Record, failed: Sequence[_Failed]) -> Why:
        """Why a record is a dead letter that steps could not take: the first of them gives the reason."""
        reasons = [self._reason(record, one) for one in failed]
        details = [_detail(reason, one.error) for reason, one in zip(reasons, failed, strict=True)]
        if len(self._fold.steps) > 1:
            details = [f"{one.step}: {detail}" for one, detail in zip(failed, details, strict=True)]
        return Why(reasons[0], "; ".join(details), tuple(one.step for one in failed))

    def _reason(self, record: Record, failed: _Failed) -> str:
        match failed.error:
            case TooLarge():
                return "too_large"
            case ValueError():
                return "unfoldable"
            case error:
                # A defect of ours in a pure function would come back at every retry: keep the record, and go on.
                logger.error(
                    "fold %s, step %s, failed on %s/%d@%d",
                    self._fold.name,
                    failed.step,
                    record.topic,
                    record.partition,
                    record.offset,
                    exc_info=error,
                )
                return "defect"

    def _put_aside(self, record: Record, why: Why, held: bool = False) -> None:
        metrics.DEAD.labels(self._fold.name, why.reason).inc()
        self._emissions.append(dead_letter(self._sources[record.topic], record, why, held))

    def _bury(self, record: Record, event: Any, why: Why) -> None:
        word = self._fold.unheard(record, event, why.steps)
        if word is None:
            metrics.UNATTRIBUTED.labels(self._fold.name).inc()
            logger.error(
                "%s/%d@%d may have been a person's word, and does not say whose: nobody is held for it; look at its "
                "dead letter now",
                record.topic,
                record.partition,
                record.offset,
            )
        self._put_aside(record, why, bool(word))
        for told in word or ():
            self._tell_and_fold(told, record)

    def _tell_and_fold(self, told: Any, record: Record) -> None:
        """Emit it, and let it count here at once: in order it comes off the log later."""
        self._emissions.append(self._told(codec.traceparent(record.headers), told).emission)
        staged, failed = self._change(told, None)
        self._keep(staged)
        if failed:
            metrics.UNATTRIBUTED.labels(self._fold.name).inc()
            logger.error("a hold for %s could not be folded", told, exc_info=failed[0].error)


def _detail(reason: str, error: Exception) -> str:
    """A defect's text may quote what it stumbled over."""
    return type(error).__name__ if reason == "defect" else str(error)
