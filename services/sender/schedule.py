"""Which command is next: the order within a contact, and what is known of a partition's open commands."""

import heapq
from typing import NamedTuple

from services.domain.clock import later
from services.domain.messages.outbox import Entry, row_key

AMBIGUOUS_WAIT_S = 60.0


class Waiting(NamedTuple):
    """An open command in its contact's order: urgent ones first, then as accepted."""

    later: bool
    accepted_at: str
    sequence: int
    row: str
    lane: tuple[str, str]


class Next(NamedTuple):
    """The first command of a contact, and the time before which it does not go."""

    waiting: Waiting
    not_before: str | None


_MOST_LANES = 4096


class Schedule:
    """The open commands of one partition. Only the first of a contact may go; it stays first until it is settled.

    Where it is not known whether a message was created, what comes after it in the contact's order waits a while.
    """

    def __init__(self, ambiguous_wait_s: float = AMBIGUOUS_WAIT_S) -> None:
        self._ambiguous_wait_s = ambiguous_wait_s
        self._open: dict[str, Waiting] = {}
        self._by_contact: dict[str, list[Waiting]] = {}
        self._not_before: dict[str, str] = {}
        # By contact, then by row: until when it holds up what comes after it.
        self._held: dict[str, dict[str, tuple[Waiting, str]]] = {}
        self._lanes: dict[tuple[str, str], tuple[str, str]] = {}
        self._under_way: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._open)

    def note(self, entry: Entry, now: str) -> None:
        """Learn what a command's row says now."""
        row = row_key(entry)
        if entry.state == "pending" and entry.command is not None:
            self._release(entry.contact, row)
            if row not in self._open:
                waiting = self._open[row] = self._waiting(entry, row)
                heapq.heappush(self._by_contact.setdefault(entry.contact, []), waiting)
            if entry.not_before:
                self._not_before[row] = entry.not_before
            else:
                self._not_before.pop(row, None)
        elif entry.state == "settled":
            self.forget(entry.contact, row)
        elif entry.state == "ambiguous":
            self._close(row)
            self.hold(entry, entry.ambiguous_at or now)

    def forget(self, contact: str, row: str) -> None:
        """This command is settled, or its row is gone: nothing waits for it any more."""
        self._close(row)
        self._release(contact, row)

    def hold(self, entry: Entry, since: str) -> None:
        """Since then nobody knows whether this command's message was created."""
        row = row_key(entry)
        if entry.command is not None:
            until = later(since, self._ambiguous_wait_s)
            self._held.setdefault(entry.contact, {})[row] = self._waiting(entry, row), until

    def first(self, contact: str, now: str) -> Next | None:
        """What is to go next of a contact; None while one is under way, or none is left."""
        if contact in self._under_way:
            return None
        queue = self._by_contact.get(contact, [])
        while queue and queue[0].row not in self._open:
            heapq.heappop(queue)
        if not queue:
            self._by_contact.pop(contact, None)
            return None
        waiting = queue[0]
        times = [until for before, until in self._held_by(contact, now) if before < waiting]
        if waiting.row in self._not_before:
            times.append(self._not_before[waiting.row])
        return Next(waiting, max(times, default=None))

    def begin(self, contact: str, row: str) -> None:
        """This command is under way; no other of its contact is until it is done."""
        self._under_way[contact] = row

    def done(self, contact: str) -> None:
        """The attempt under way for a contact is over, however it ended."""
        self._under_way.pop(contact, None)

    def contacts(self) -> list[str]:
        """Contacts that have open commands."""
        return list(self._by_contact)

    def _close(self, row: str) -> None:
        self._open.pop(row, None)
        self._not_before.pop(row, None)

    def _waiting(self, entry: Entry, row: str) -> Waiting:
        command = entry.command
        assert command is not None
        lane = entry.tenant, command.sender
        # One pair for all that go by it: there may be a million. Anybody may name senders, so not for ever.
        if len(self._lanes) >= _MOST_LANES:
            self._lanes.clear()
        lane = self._lanes.setdefault(lane, lane)
        return Waiting(not command.urgent, command.accepted_at, command.sequence, row, lane)

    def _held_by(self, contact: str, now: str) -> list[tuple[Waiting, str]]:
        held = self._held.get(contact)
        if not held:
            return []
        for row in [row for row, (_, until) in held.items() if until <= now]:
            self._release(contact, row)
        return list(self._held.get(contact, {}).values())

    def _release(self, contact: str, row: str) -> None:
        held = self._held.get(contact)
        if held and held.pop(row, None) and not held:
            del self._held[contact]
