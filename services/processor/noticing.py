"""Error codes that the catalogue does not know, as they come in with the status of a message."""

from typing import Any

from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.unknown_codes import notice


class Noticing(Listener):
    """Hears of the messages that have changed, and notices each code when its step is first told with it."""

    async def folded(self, partition: Partition, changed: Changed) -> None:
        before = changed.was.get("delivery", {})
        for sid, row in changed.rows.get("delivery", {}).items():
            for code in _codes(row) - _codes(before.get(sid)):
                notice(code)


def _codes(row: Any) -> set[int]:
    return {step.error.code for step in row.steps.values() if step.error} if row is not None else set()
