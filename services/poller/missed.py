"""Lists that were not read: counted, told once until something else is the matter, and left alone for a while."""

import logging
import time
from dataclasses import dataclass
from typing import Literal

from prometheus_client import Counter

from services.domain import syncs
from services.domain.syncs import ListName
from services.poller.metrics import POLLER

logger = logging.getLogger(__name__)

UNREAD = Counter(
    "switchboard_sync_unread_total",
    "Readings after which nothing is written: refused (its credentials may not), failed (no answer, or part of one), "
    "emptied (a list of nothing, where there was something)",
    ["tenant", "list", "outcome"],
    registry=POLLER,
)
_OVERTAKEN_AGAIN_S = 60.0

Outcome = Literal["refused", "failed", "emptied"]


@dataclass(slots=True)
class _Missed:
    """Of a tenant: how often in a row, until when it is left alone (a clock that only grows), what the log was told."""

    failures: int = 0
    until: float = 0.0
    told: str = ""
    refused: bool = False


class Misses:
    """Of one list, by tenant. `every_s`: how often it is to be read."""

    def __init__(self, name: ListName, every_s: float) -> None:
        self._name: ListName = name
        self._every_s = every_s
        self._of: dict[str, _Missed] = {}

    def __contains__(self, tenant: str) -> bool:
        """Was it not read when it was last to be?"""
        return tenant in self._of

    def waits(self, tenant: str) -> bool:
        """Is it left alone for now?"""
        missed = self._of.get(tenant)
        return missed is not None and time.monotonic() < missed.until

    def add(self, tenant: str, outcome: Outcome, why: str) -> None:
        """Nothing was written."""
        UNREAD.labels(tenant, self._name, outcome).inc()
        before = self._of.get(tenant, _Missed())
        failures, refused = before.failures + 1, outcome == "refused"
        wait_s = self._every_s if outcome == "emptied" else syncs.again_s(self._every_s, failures, refused)
        if why != before.told:
            logger.warning("%s: its %s are not read, and stay as they are: %s", tenant, self._name, why)
        self._of[tenant] = _Missed(failures, time.monotonic() + wait_s, why, refused)

    def overtaken(self, tenant: str) -> None:
        """Somebody else reads it. Whether they come to its end nobody knows."""
        before = self._of.get(tenant, _Missed())
        self._of[tenant] = _Missed(before.failures, time.monotonic() + _OVERTAKEN_AGAIN_S, before.told, before.refused)

    def over(self, tenant: str) -> None:
        """It was read."""
        missed = self._of.pop(tenant, None)
        if missed is not None and missed.told:
            logger.info("%s: its %s are read again", tenant, self._name)

    def forget(self) -> None:
        """Whoever owns the tenants next reads, and tells that."""
        self._of.clear()

    def refused(self) -> dict[str, str]:
        """By tenant, for people: why it may not be read, and what to do."""
        return {
            tenant: f"{tenant}: {one.told}, its {self._name}; check what its API key may read, or leave {self._name} "
            "out of the tenant's `synced`"
            for tenant, one in self._of.items()
            if one.refused
        }
