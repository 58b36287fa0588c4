"""How many messages reached what, and how fast, by country and carrier and by tenant; opt-outs and windows: for who
watches. What is exact is `twilio.deliverability.v1`: here a flush that is folded again counts again.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from prometheus_client import Counter, Histogram

from services.domain.clock import took_s
from services.domain.messages.counting import counted, reached
from services.domain.messages.events import Counted
from services.domain.messages.ladder import ARRIVED, Delivery
from services.domain.messages.number import Number, unreachable
from services.domain.messages.windows import Sessions
from services.domain.reachability import Unreachable
from services.processor.metrics import PROCESSOR
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener

# Carriers are as many as there are number ranges in the world: what comes beyond so many places is counted together.
_MOST = 200
_OTHER = ("other", "other")
_UNKNOWN = "unknown"

REACHED = Counter(
    "switchboard_messages_reached_total",
    "Messages that came to sent, delivered, read or failed, each once for each of them; beyond 200 pairs of country "
    "and carrier: other",
    ["country", "carrier", "status"],
    registry=PROCESSOR,
)
BY_TENANT = Counter(
    "switchboard_tenant_messages_reached_total", "The same by tenant", ["tenant", "status"], registry=PROCESSOR
)
DELIVERY_SECONDS = Histogram(
    "switchboard_delivery_seconds", "A message's first status to delivered or read", ["country", "carrier"],
    buckets=(1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600), registry=PROCESSOR,
)  # fmt: skip
OPT_OUTS = Counter(
    "switchboard_opt_outs_total", "Contacts that have said no for the first time", ["tenant"], registry=PROCESSOR
)
WINDOWS = Counter(
    "switchboard_windows_opened_total",
    "24-hour windows opened, or kept open for longer",
    ["tenant"],
    registry=PROCESSOR,
)
MARKED = Counter(
    "switchboard_numbers_marked_total",
    "Numbers that are left alone on a channel from now on, by the standard rule: after failures, a landline, no_mms",
    ["tenant", "channel", "why"],
    registry=PROCESSOR,
)
# Each child is looked up once: Prometheus' own way to one costs more than counting by it. There are as many as series.
_reached = cache(REACHED.labels)
_by_tenant = cache(BY_TENANT.labels)
_delivery_seconds = cache(DELIVERY_SECONDS.labels)
_opt_outs = cache(OPT_OUTS.labels)
_windows = cache(WINDOWS.labels)
_marked = cache(MARKED.labels)


class Reaching(Listener):
    """Hears of the messages that have changed."""

    def __init__(self) -> None:
        self._places: set[tuple[str, str]] = set()

    async def folded(self, partition: Partition, changed: Changed) -> None:
        for before, after in _moved(changed, "delivery"):
            for place in _came(before, after):
                self._count(after.tenant, place)
            if (seconds := _arrived_after(before, after)) is not None:
                self._observe(after, seconds)

    def _count(self, tenant: str, place: Counted) -> None:
        _reached(*self._labels(place), place.reached).inc()
        _by_tenant(tenant, place.reached).inc()

    def _observe(self, row: Delivery, seconds: float) -> None:
        if (place := _place(row, row.status)) is not None:
            _delivery_seconds(*self._labels(place)).observe(seconds)

    def _labels(self, place: Counted) -> tuple[str, str]:
        labels = place.country or _UNKNOWN, place.carrier or _UNKNOWN
        if labels not in self._places and len(self._places) >= _MOST:
            return _OTHER
        self._places.add(labels)
        return labels


class People(Listener):
    """Hears of the contacts that have changed."""

    async def folded(self, partition: Partition, changed: Changed) -> None:
        for before, after in _moved(changed, "suppression"):
            if after.outs and not (before and before.outs):
                _opt_outs(after.tenant).inc()
        for before, after in _moved(changed, "sessions"):
            if opened := _opened(before, after):
                _windows(after.tenant).inc(opened)
        for before, after in _moved(changed, "numbers"):
            for channel, one in _left_alone(before, after).items():
                _marked(after.tenant, channel, one.why).inc()


def _came(before: Delivery | None, row: Delivery) -> list[Counted]:
    """Under what a message is counted that came further: a change may bring several steps of it.

    A failure that was overruled before it was folded is none.
    """
    known = {reached(status) for status in before.steps} if before else set()
    came: dict[str, Counted] = {}
    for status in row.steps:
        if reached(status) not in known and (place := _place(row, status)) is not None:
            came[place.reached] = place
    if row.status in ARRIVED:
        came.pop("failed", None)
    return list(came.values())


def _place(row: Delivery, status: str) -> Counted | None:
    return counted(row.created_at, status, row.error_at(status), row.from_, row.to)


def _arrived_after(before: Delivery | None, row: Delivery) -> float | None:
    """How long it took to arrive, in seconds, where this change was the first to know that it did."""
    if before is not None and before.status in ARRIVED:
        return None
    arrived = [step.at for status, step in row.steps.items() if status in ARRIVED]
    return took_s(row.created_at, min(arrived)) if arrived else None


def _opened(before: Sessions | None, after: Sessions) -> int:
    known: Mapping[str, Any] = before.windows if before else {}
    return sum(name not in known or known[name].until < one.until for name, one in after.windows.items())


def _left_alone(before: Number | None, after: Number) -> dict[str, Unreachable]:
    """What stands against a number's channels since a change: where it stood for less long before, that is new."""
    known = unreachable(before)
    return {
        channel: one
        for channel, one in unreachable(after).items()
        if channel not in known or known[channel].until < one.last_at
    }


def _moved(changed: Changed, table: str) -> Iterator[tuple[Any, Any]]:
    was = changed.was.get(table, {})
    return ((was.get(key), row) for key, row in changed.rows.get(table, {}).items() if row is not None)
