"""Folding one batch over the table, in memory: what a flush is about to write, and nothing written yet.

A record that cannot be decoded, folded or written for its size becomes a dead letter; whatever else goes wrong (a
store that cannot be read) comes out and stops the process: then the record is not at fault.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from services.contract import codec
from services.contract.topics import topic_of
from services.runtime import metrics
from services.runtime.folding.dead import dead_letter
from services.runtime.folding.fold import Emission, Fold, Record

logger = logging.getLogger(__name__)

# A record of this size fits a batch that brokers take with their default of 1 MiB, with room for framing.
MAX_RECORD_BYTES = 960 * 1024


class TooLarge(ValueError):
    """An event or a row came out larger than a broker takes."""


class Row(NamedTuple):
    """A row as it is and as it is written; both None when it is removed."""

    value: Any
    encoded: bytes | None


class Overlay:
    """The rows and emissions of one flush. `read` gives a committed row by key, or None."""

    def __init__(self, fold: Fold, read: Callable[[str], Any]) -> None:
        self.rows: dict[str, Row] = {}
        self.emissions: list[Emission] = []
        self.folded: dict[tuple[str, int], int] = {}
        self._fold = fold
        self._read = read
        self._sources = {topic.name: topic for topic in fold.sources}

    def record(self, record: Record) -> None:
        """Fold a record of the log, or make it a dead letter."""
        self.folded[record.topic, record.partition] = record.offset
        source = self._sources[record.topic]
        try:
            event = self._fold.read(record) if self._fold.read else codec.decode(record.value, source.event or bytes)
        except codec.DecodeError as error:
            self._bury(record, "undecodable", str(error))
            self._emit(self._fold.refused(record, str(error)), None)
            return
        before = self._row(event)
        try:
            self._change(event, before, codec.traceparent(record.headers))
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
        self._change(event, self._row(event), None)

    def _row(self, event: Any) -> Any:
        table = self._fold.table
        if table is None:
            return None
        key = table.key(event)
        changed = self.rows.get(key)
        return changed.value if changed else self._read(key)

    def _change(self, event: Any, before: Any, traceparent: bytes | None) -> None:
        after, derived = self._fold.function(before, event)
        # Everything is encoded before anything is kept, so that a row never stands without its events.
        emissions = [_emission(one, traceparent) for one in derived]
        table = self._fold.table
        if table is not None and after != before:
            encoded = None if after is None else codec.encode(after)
            _fits(len(encoded or b""))
            self.rows[table.key(event)] = Row(after, encoded)
        self.emissions += emissions

    def _emit(self, events: Sequence[msgspec.Struct], traceparent: bytes | None) -> None:
        self.emissions += [_emission(event, traceparent) for event in events]

    def _bury(self, record: Record, reason: str, detail: str) -> None:
        metrics.DEAD.labels(self._fold.name, reason).inc()
        self.emissions.append(dead_letter(self._sources[record.topic], record, reason, detail))


def _emission(event: msgspec.Struct, traceparent: bytes | None) -> Emission:
    topic = topic_of(event)
    emission = Emission(
        topic.name, topic.key(event).encode(), codec.encode(event), codec.headers(topic.name, traceparent)
    )
    _fits(len(emission.key) + len(emission.value or b""))
    return emission


def _fits(size: int) -> None:
    if size > MAX_RECORD_BYTES:
        raise TooLarge(f"{size} bytes would have to be written; a record has at most {MAX_RECORD_BYTES}")
