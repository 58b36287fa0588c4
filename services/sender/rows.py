"""Rows of the sender's tables, as those read them who look something up at Twilio."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, Protocol

from services.domain.outbox.entry import Entry, row_key
from services.runtime.folding.partition import Partition
from services.sender.tables import OUTBOX

_AT_ONCE = 500
_MOST_OTHERS = 1000


class Keyed(Protocol):
    """A command, or its row."""

    @property
    def order_key(self) -> str: ...
    @property
    def command_id(self) -> str: ...


class Others(NamedTuple):
    """A contact's other commands, of which one might be taken for this one's message; `all` of them, or too many."""

    rows: list[Entry]
    all: bool

    @property
    def sids(self) -> set[str]:
        """The messages that are theirs."""
        return {row.sid for row in self.rows if row.sid}


async def listed_rows(partition: Partition, table: str, name: str) -> AsyncIterator[tuple[str, Any]]:
    """Keys and rows that a table lists under a name. Others have their turn after some hundreds."""
    after = None
    while found := partition.listed(table, name, after, _AT_ONCE):
        after = found[-1]
        for _, key in found:
            yield key, partition.read(key, table)
        await asyncio.sleep(0)


def others_of(partition: Partition, command: Keyed) -> Others:
    """The other commands of a command's contact, a thousand at most."""
    keys = partition.under(OUTBOX, f"{command.order_key} ", _MOST_OTHERS)
    rows = [row for key in keys if key != row_key(command) and (row := partition.read(key, OUTBOX))]
    return Others(rows, len(keys) < _MOST_OTHERS)
