"""One partition of a table, folded again from the log into a scratch store. Nothing leaves this process."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from aiokafka import TopicPartition

from services.contract import codec, letters
from services.contract.letters import Position
from services.operations.log import Offsets
from services.operations.rebuild.live import Live
from services.operations.rebuild.log import Log
from services.operations.rebuild.plan import Plan
from services.operations.rebuild.scratch import Scratch
from services.runtime.folding.fold import Fold, Record, Step, Table
from services.runtime.folding.overlay import Overlay

_MOST_BYTES = 8 << 20


class Shadow:
    """The rows that the log gives, up to `at`."""

    def __init__(self, plan: Plan, partition: int, rows: Scratch, at: Offsets) -> None:
        self.rows = rows
        self.at = dict(at)
        self.records = 0
        self._plan = plan
        self._partition = partition
        # Positions of records of our own that could not be folded: rows would lack what they say.
        self.unread: list[Position] = []
        self._own = {topic.dead: topic.name for topic in plan.shadow.sources if topic in plan.derived}
        self._touched: set[str] = set()
        step = replace(plan.step, table=replace(plan.table, key=self._key))
        self._fold = Fold(plan.shadow.contract, (step,))

    def begin_with(self, live: Live, at: Offsets) -> None:
        """Take the live rows over, those that can be read: facts from these offsets on are folded onto them again."""
        self.at = dict(at)
        for key, value in live.rows.rows():
            if live.row(key.decode()) is not None:
                self.rows.apply([(key, value)])

    async def advance(self, log: Log, until: Offsets, told: Callable[[int], None]) -> None:
        """Fold what the log holds up to these offsets. `told` hears how many records have been folded."""
        for phase in self._plan.phases:
            names = {topic.name for topic in phase}
            since = {one: offset for one, offset in self.at.items() if one.topic in names}
            async for records in log.read(since, until):
                self._take(records)
                told(self.records)
        self.at = {one: max(offset, until[one]) for one, offset in self.at.items()}

    def read(self, key: str) -> Any:
        """A row, or None."""
        return self._read(self._plan.table, key)

    async def later(self, log: Log, until: Offsets, among: set[str]) -> set[str]:
        """Those of some keys of which the log tells something between `at` and these offsets."""
        found: set[str] = set()
        types = {topic.name: topic for topic in self._plan.shadow.sources}
        async for records in log.read(self.at, until):
            for record in records:
                try:
                    event = codec.decode(record.value, types[record.topic].event)
                except codec.DecodeError:
                    continue
                if _takes(self._plan.step, event):
                    found.update(among & {key for key, _ in self._plan.step.keyed(event)})
        return found

    def _take(self, records: Iterable[Record]) -> None:
        overlay = Overlay(self._fold, self._read)
        for record in records:
            overlay.record(record)
            self.records += 1
            if overlay.size > _MOST_BYTES:
                self._keep(overlay)
                overlay = Overlay(self._fold, self._read)
        self._keep(overlay)

    def _keep(self, overlay: Overlay) -> None:
        for one in overlay.emissions:
            if one.topic in self._own:
                offset = int(dict(one.headers)[letters.SOURCE_OFFSET])
                self.unread.append(Position(self._own[one.topic], self._partition, offset))
        self.rows.apply((key.encode(), row.encoded) for (_, key), row in overlay.rows.items())
        self.rows.touch(self._touched)
        self._touched.clear()

    def _key(self, event: Any) -> str:
        key = self._plan.table.key(event)
        self._touched.add(key)
        return key

    def _read(self, table: Table, key: str) -> Any:
        value = self.rows.get(key.encode())
        return None if value is None else codec.decode(value, table.row)


def _takes(step: Step, event: Any) -> bool:
    return step.takes is None or isinstance(event, step.takes)


def partitions_of(plan: Plan, partition: int) -> list[TopicPartition]:
    """The source partitions that one partition of the table is folded from."""
    return [TopicPartition(topic.name, partition) for topic in plan.shadow.sources]
