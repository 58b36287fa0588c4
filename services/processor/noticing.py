"""Error codes that the catalogue does not know, as they come in with the status of a message."""

from typing import Any

from services.runtime.folding.partition import Flush, Partition
from services.runtime.folding.runner import Listener
from services.runtime.unknown_codes import notice


class Noticing(Listener):
    """Hears of the messages that a flush changed, and notices each code when its step is first told with it."""

    async def flushed(self, partition: Partition, flush: Flush) -> None:
        before = flush.was.get("delivery", {})
        for sid, row in flush.rows.get("delivery", {}).items():
            for code in _codes(row) - _codes(before.get(sid)):
                notice(code)


def _codes(row: Any) -> set[int]:
    return {step.error.code for step in row.steps.values() if step.error} if row is not None else set()
