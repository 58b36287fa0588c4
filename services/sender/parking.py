"""Commands of a tenant, or signed by a key, that this worker does not know yet. Its file may be on its way: they are
parked, and looked at again every few seconds; nothing waits behind them.

They are parked by the tenant's name in a few rows, each bounded: who floods one with names that nobody has takes room
from those that share it, from no known tenant, and not for longer than it lasts.
"""

import logging
import re
from collections.abc import Callable
from time import monotonic
from zlib import crc32

import msgspec

from services.contract.signatures import Signature
from services.domain.clock import later
from services.runtime.clock import now
from services.runtime.folding.fold import Record
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TENANT_NAME
from services.sender.producers import Producers, is_no
from services.sender.requests import Requested

_log = logging.getLogger(__name__)

# A deployment takes minutes to reach every worker.
PATIENCE_S = 300.0
# There is a file for it that cannot be used yet: nobody has misspelt anything.
_PATIENCE_WITH_A_FILE_S = 86_400.0
LOOK_S = 5.0
_ROWS = 16
# Of a row; what it takes as JSON must fit into a record.
MOST = 500
MOST_BYTES = 512 * 1024


class ParkedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it was consumed, since when it waits, and the times that it had when it was read."""

    tenant: str
    waits_since: str
    at: str
    since: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]

    @property
    def record(self) -> Record:
        return Record(self.topic, self.partition, self.offset, self.timestamp, self.key, self.value, list(self.headers))

    @property
    def size(self) -> int:
        return len(self.key or b"") + len(self.value) + sum(len(name) + len(text) for name, text in self.headers)


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """What waits in one row. `look_at`: when it is looked at next."""

    look_at: str
    commands: list[ParkedCommand]


def due(row: Parked) -> str:
    return row.look_at


class Parking:
    """The row of waiting commands of an intake. `read` reads a record of its topic."""

    def __init__(
        self,
        tenants: Tenants,
        producers: Producers,
        read: Callable[[Record], Requested],
        clock: Callable[[], str] = now,
    ) -> None:
        self._tenants = tenants
        self._producers = producers
        self._read = read
        self._clock = clock
        self._told_at = float("-inf")
        # The last that was asked of: for its row's key, and when it is folded.
        self._asked: tuple[Requested | None, bool] = None, False

    def takes(self, row: Parked | None, event: Requested) -> bool:
        """Whether a command is to wait here. Beyond a row's bounds none does."""
        return self._waits(event) and not _is_full(row, event)

    def park(self, row: Parked | None, event: Requested) -> Parked:
        """The row with one more."""
        self._tell(event)
        at = self._clock()
        command = _parked(event, at)
        if row is None:
            return Parked(look_at=later(at, LOOK_S), commands=[command])
        return msgspec.structs.replace(row, commands=[*row.commands, command])

    def look(self, row: Parked, due_at: str) -> tuple[Parked | None, list[Requested]]:
        """What waits on, and those whose wait is over: their tenant or key has come, or their patience has ended."""
        # Else a row that is woken by a clock ahead of this one would be due again at once, over and over.
        at = max(self._clock(), due_at)
        waiting: list[ParkedCommand] = []
        over: list[Requested] = []
        for one in row.commands:
            patience = _PATIENCE_WITH_A_FILE_S if self._tenants.awaited(one.tenant) else PATIENCE_S
            # It keeps the times that it had: waiting moves it in no order, and prolongs nothing.
            event = self._read(one.record)._replace(at=one.at, since=one.since)
            if at < later(one.waits_since, patience) and self._waits(event):
                waiting.append(one)
            else:
                over.append(event)
        return (Parked(look_at=later(at, LOOK_S), commands=waiting) if waiting else None), over

    def _tell(self, event: Requested) -> None:
        """Who misspelt a tenant sees nothing else of it until the patience is over."""
        if monotonic() - self._told_at < LOOK_S:
            return
        self._told_at = monotonic()
        if event.tenant in self._tenants:
            why = "its producer's key is not in the settings: add it to producer_keys"
        elif self._tenants.awaited(event.tenant):
            why = "its tenant is in the settings and cannot be used yet: /readyz says why"
        else:
            why = "no such tenant is in the settings: add it, or correct the command's tenant"
        _log.warning("command %.80r of tenant %s waits: %s", event.command_id, event.tenant, why)

    def row_key(self, event: Requested) -> str:
        """Which row a command waits in. What waits for nothing has none: full rows cost known tenants nothing."""
        return f"parked {crc32(event.tenant.encode()) % _ROWS:02}" if self._waits(event) else ""

    def _waits(self, event: Requested) -> bool:
        """Nobody knows its tenant or its key, and somebody may. What is wrong in itself is wrong for every tenant."""
        if self._asked[0] is not event:
            self._asked = event, self._must_wait(event)
        return self._asked[1]

    def _must_wait(self, event: Requested) -> bool:
        name, claimed = event.tenant, self._producers.claimed(event.record)
        speaks_for = claimed.tenant if isinstance(claimed, Signature) else claimed
        if isinstance(event.command, list) or speaks_for not in (None, name) or not _NAME.fullmatch(name):
            return False
        return name not in self._tenants or self._waits_for_its_key(event, claimed)

    def _waits_for_its_key(self, event: Requested, claimed: Signature | str | None) -> bool:
        # A no is heard by whatever key.
        return isinstance(claimed, Signature) and not self._producers.knows(claimed) and not is_no(event.command)


_NAME = re.compile(TENANT_NAME)


def _is_full(state: Parked | None, event: Requested) -> bool:
    if state is None:
        return False
    size = _parked(event, "").size + sum(one.size for one in state.commands)
    return len(state.commands) >= MOST or size > MOST_BYTES


def _parked(event: Requested, at: str) -> ParkedCommand:
    record = event.record
    return ParkedCommand(
        tenant=event.tenant,
        waits_since=at,
        at=event.at,
        since=event.since,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value or b"",
        headers=[(name, text or b"") for name, text in record.headers],
    )
