"""Which of Twilio's lists the log keeps for a tenant, and when each is to be read again.

The log has one order of what two workers write (a fence), so nothing here goes by whose clock is ahead.
"""

import zlib
from typing import Literal

import msgspec

from services.domain.clock import seconds_between

ListName = Literal["templates", "prices", "compliance"]

# Between nine and eleven tenths of its time: who began together does not stay together.
_LEAST, _SPREAD = 0.9, 0.2
# Clocks of two machines differ by less; what was read further in the future was read by a clock that was set back.
_AHEAD_S = 60.0


class ListSynced(msgspec.Struct, frozen=True, kw_only=True):
    """A list was read whole, and what is news in it is on the log (the poller's own event; never on the log)."""

    tenant: str
    name: ListName
    at: str


class Syncs(msgspec.Struct, frozen=True, kw_only=True):
    """When each list of a tenant was last read whole. Key: tenant."""

    tenant: str
    at: dict[str, str] = {}


def fold(state: Syncs | None, event: ListSynced) -> tuple[Syncs, tuple[()]]:
    """The last word counts, whatever its clock says: each comes from who owns the tenant then."""
    known = state or Syncs(tenant=event.tenant)
    return Syncs(tenant=event.tenant, at={**known.at, event.name: event.at}), ()


def spread_s(every_s: float, tenant: str, name: ListName, synced_at: str | None) -> float:
    """How long a list waits for its next reading: about `every_s`, and not as long as others do."""
    share = zlib.crc32(f"{tenant} {name} {synced_at}".encode()) / (1 << 32)
    return every_s * (_LEAST + _SPREAD * share)


def due(synced_at: str | None, now: str, wait_s: float, own_s: float | None) -> bool:
    """Is a list to be read? `synced_at`: when it was last; None: never.

    `own_s`: seconds since this worker did it, by a clock that only grows; None: it did not. So a clock that stands, or
    was set back, keeps nobody from reading.
    """
    if synced_at is None:
        return True
    since_s = seconds_between(synced_at, now)
    return since_s >= wait_s or since_s < -_AHEAD_S or (own_s is not None and own_s >= wait_s)


def again_s(every_s: float, failures: int, refused: bool) -> float:
    """How long a list is left alone after so many failures in a row. Who may not read it is asked seldom: a person has
    to mend that."""
    if refused:
        return max(every_s, 3600.0)
    return float(min(every_s, 60.0 * 2 ** min(failures - 1, 10)))
