"""Which command of a contact is next, as its rows say."""

from collections.abc import Callable
from typing import NamedTuple

from services.domain.clock import later
from services.domain.outbox.entry import Entry
from services.domain.outbox.lists import in_order
from services.runtime.folding.partition import Partition
from services.sender.tables import OUTBOX

# Most contacts have one.
_AT_ONCE = 4


class Next(NamedTuple):
    """The first command of a contact that waits, its row's key, and the time before which it does not go.

    `alone`: the contact has no other that is not settled.
    """

    entry: Entry
    row: str
    not_before: str | None
    alone: bool


def next_of(partition: Partition, contact: str, holds_up_s: Callable[[str], float]) -> Next | None:
    """What is to go next of a contact: urgent ones first, then as accepted. None: one is being sent, or none is left.

    Only the first may go, and it stays first until it is settled. Where it is not known whether something was
    created, what comes after it waits a while: `holds_up_s`, by the product.
    """
    until, after = None, None
    while found := partition.listed(OUTBOX, in_order(contact), after, _AT_ONCE):
        alone, after = after is None and len(found) == 1, found[-1]
        for _, row in found:
            entry = partition.read(row, OUTBOX)
            if entry is None:
                continue
            if entry.state == "attempted":
                return None
            if entry.state == "pending":
                return Next(entry, row, until, alone)
            if entry.ambiguous_at:
                until = max(until or "", later(entry.ambiguous_at, holds_up_s(entry.kind)))
    return None
