"""Which command is next: the order within a contact, and what is known of a partition's open commands."""

import heapq
from typing import NamedTuple

from services.domain.messages.outbox import Entry, row_key


class Waiting(NamedTuple):
    """An open command in its contact's order: urgent ones first, then as accepted."""

    later: bool
    accepted_at: str
    sequence: int
    row: str


class Schedule:
    """The open commands of one partition. Only the first of a contact may go; it stays first until it is settled."""

    def __init__(self) -> None:
        self._open: dict[str, Waiting] = {}
        self._by_contact: dict[str, list[Waiting]] = {}
        self._under_way: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._open)

    def note(self, entry: Entry) -> None:
        """Learn what a command's row says now."""
        row = row_key(entry)
        if entry.state == "pending" and entry.command is not None:
            if row not in self._open:
                command = entry.command
                waiting = Waiting(not command.urgent, command.accepted_at, command.sequence, row)
                self._open[row] = waiting
                heapq.heappush(self._by_contact.setdefault(entry.contact, []), waiting)
        elif entry.state in ("settled", "ambiguous"):
            self._open.pop(row, None)

    def next(self, contact: str) -> str | None:
        """The row to attempt now for a contact, marked as under way; None while another one is, or none is left."""
        if contact in self._under_way:
            return None
        queue = self._by_contact.get(contact, [])
        while queue and queue[0].row not in self._open:
            heapq.heappop(queue)
        if not queue:
            self._by_contact.pop(contact, None)
            return None
        self._under_way[contact] = queue[0].row
        return queue[0].row

    def done(self, contact: str) -> None:
        """The attempt under way for a contact is over, however it ended."""
        self._under_way.pop(contact, None)

    def contacts(self) -> list[str]:
        """Contacts that have open commands."""
        return list(self._by_contact)
