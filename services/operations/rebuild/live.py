"""One partition of the live table, as its changelog has it committed."""

from collections.abc import Callable
from typing import Any

from aiokafka import TopicPartition

from services.contract import codec
from services.operations.rebuild.log import Log
from services.operations.rebuild.plan import Plan
from services.operations.rebuild.scratch import Scratch
from services.runtime.folding import index


class Live:
    """The rows, up to where it was read last."""

    def __init__(self, plan: Plan, partition: int, rows: Scratch) -> None:
        self.rows = rows
        self._table = plan.table
        self._changelog = TopicPartition(plan.changelog, partition)
        self._at: int | None = None

    async def refresh(self, log: Log, told: Callable[[int, int], None]) -> None:
        """Read on to the present end. `told` hears how many offsets are read, of how many."""
        end = (await log.ends([self._changelog]))[self._changelog]
        if self._at is None:
            self._at = (await log.begins([self._changelog]))[self._changelog]
        began = self._at
        async for records in log.read({self._changelog: began}, {self._changelog: end}):
            self.rows.apply((record.key or b"", record.value) for record in records)
            told(records[-1].offset + 1 - began, end - began)
        self._at = max(began, end)

    def row(self, key: str) -> Any:
        """A row; None where there is none, or none that could be folded on."""
        value = self.rows.get(key.encode())
        if value is None:
            return None
        try:
            row = codec.decode(value, self._table.row)
            # Raises for times and names that make no sense.
            index.entries(self._table, key, row)
        except (codec.DecodeError, ValueError):
            return None
        return row
