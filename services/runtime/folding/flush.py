"""What is folded together, and written in one transaction; how long it may stay open for more."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.runtime.folding.ahead import Ahead
from services.runtime.folding.overlay import Overlay
from services.runtime.folding.queue import MAX_FLUSH_BYTES, Item, Local

# While something is decided of a row: what comes of it goes in the same transaction.
_DECIDED_S = 0.05


class Changed(NamedTuple):
    """Rows that have changed: table → key → row, None where removed; and as they `was`, None where there was none."""

    rows: Mapping[str, Mapping[str, Any]]
    was: Mapping[str, Mapping[str, Any]]


class Flush:
    """`batch`: the items that are folded in it. `until`: when it ends though nobody waits for it. Times are the event
    loop's, in seconds."""

    def __init__(self, overlay: Overlay, ahead: Ahead, until: float) -> None:
        self.overlay = overlay
        self.ahead = ahead
        self.batch: list[Item] = []
        # Of its records: they stay in memory until it is written, also where little comes of them.
        self.bytes = 0
        # Whether those who hear of its rows have had their turns; and what one of them failed by.
        self.heard = False
        self.defect: Exception | None = None
        self._until = until
        # Since when somebody waits for it.
        self._waited_for: float | None = None

    def changed(self) -> Changed | None:
        """The rows that have changed since this was last asked; from now on they are read so. None: none has."""
        moved = self.overlay.moved()
        if not moved:
            return None
        self.ahead.add(moved)
        rows: dict[str, dict[str, Any]] = {}
        was: dict[str, dict[str, Any]] = {}
        for (table, key), before, _, row in moved:
            rows.setdefault(table, {})[key] = row.value
            was.setdefault(table, {})[key] = before
        return Changed(rows, was)

    def has_room(self, max_batch: int) -> bool:
        """Whether more may be folded in it."""
        small = max(self.overlay.size, self.bytes) <= MAX_FLUSH_BYTES and len(self.batch) < max_batch
        return small and self.defect is None

    def open_until(self, now: float, deciding: bool) -> float:
        """Until when it stays open, where it could be written now. `deciding`: whether something of its rows is."""
        if any(isinstance(item, Local) for item in self.batch):
            return now
        if self.overlay.rows and not self.overlay.tells and self.overlay.is_unhurried:
            return self._until
        if self._waited_for is None:
            self._waited_for = now
        return self._waited_for + _DECIDED_S if deciding else now
