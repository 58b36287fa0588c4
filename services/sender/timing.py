"""How long commands take, how they end, what the deferred ones wait for, and how soon a STOP blocks: for who watches.

Read off the rows as they change. A flush that is folded again counts again.
"""

import asyncio
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from services.domain.clock import took_s
from services.domain.consent.standing import Standing
from services.domain.outbox.accepted import Accepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.lists import DEFERRED, FOR_A_TIME, condition_of
from services.runtime.clock import now
from services.runtime.delays import Delays
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.tenants.live import Tenants
from services.sender.metrics import SENDER
from services.sender.tables import OUTBOX, SUPPRESSION

# Rows listed, before others have the event loop.
_AT_ONCE = 2000
_WAITS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600)

TO_CALL = Delays(
    "switchboard_command_to_call_seconds",
    "Command to its first call at Twilio, from when it might go: accepted, not_before, or released",
    _WAITS,
    SENDER,
    label=None,
)
TO_CALL.begin("")
TO_END = Delays(
    "switchboard_command_to_end_seconds",
    "The same, to its end, by the step that it ended with",
    _WAITS,
    SENDER,
    label="step",
)
ENDED = Counter(
    "switchboard_commands_ended_total", "Commands ended, by the last step", ["tenant", "step"], registry=SENDER
)
WAITING = Gauge(
    "switchboard_deferred_commands",
    "Commands deferred, by what kind of thing holds them, of the partitions owned; time: until a moment",
    ["reason"],
    registry=SENDER,
)
STOP_TO_BLOCK = Histogram(
    "switchboard_stop_to_block_seconds",
    "A person's STOP received to the sender's gate knowing of it; what is replayed is as old as it is",
    buckets=_WAITS,
    registry=SENDER,
)
# By its labels, as many as there are of them on the page of metrics.
_ended = cache(ENDED.labels)
# Kinds of evidence that are a person's own words: from what they typed or tapped. The others were recorded for them.
_OWN_WORDS = frozenset({"keyword", "button", "list", "opt_out_type"})


class Timing(Listener):
    """Hears of the outbox's partitions."""

    def __init__(self, tenants: Tenants) -> None:
        self._deferred: dict[Partition, Tally[str]] = {}
        tenants.listen(_begin)
        _begin(tenants)

    async def taken(self, partition: Partition) -> None:
        self._deferred[partition] = tally = Tally[str]()
        after = None
        while found := partition.listed(OUTBOX, DEFERRED, after, _AT_ONCE):
            after = found[-1]
            tally.update(_kind(condition_of(one.name)) for one in found)
            await asyncio.sleep(0)
        self._tell()

    async def folded(self, partition: Partition, changed: Changed) -> None:
        moment = now()
        rows = changed.rows.get(OUTBOX, {})
        if rows:
            _observe(changed.was[OUTBOX], rows, moment)
        for key, standing in changed.rows.get(SUPPRESSION, {}).items():
            for at in _stops(changed.was[SUPPRESSION][key], standing):
                if (took := took_s(at, moment)) is not None:
                    STOP_TO_BLOCK.observe(took)
        if rows and partition in self._deferred:
            self._moved(partition, changed)

    async def leaving(self, partition: Partition) -> None:
        self._deferred.pop(partition, None)
        self._tell()

    def _moved(self, partition: Partition, changed: Changed) -> None:
        tally = self._deferred[partition]
        moved = False
        for rows, sign in ((changed.was[OUTBOX], -1), (changed.rows[OUTBOX], 1)):
            for entry in rows.values():
                if entry is not None and entry.state == "deferred":
                    tally[_kind(entry.condition)] += sign
                    moved = True
        if moved:
            self._tell()

    def _tell(self) -> None:
        total = sum(self._deferred.values(), Tally[str]())
        WAITING.clear()
        for kind, count in total.items():
            WAITING.labels(kind).set(count)


def _begin(names: Iterable[str]) -> None:
    """Show that nothing has expired yet: a rate does not see the first value of what begins with one."""
    for name in names:
        ENDED.labels(name, "expired")


def _kind(condition: str | None) -> str:
    """The first word of a condition: a pause, a hold …; not the names behind it, of which there is no end."""
    return (condition or FOR_A_TIME).partition(" ")[0]


def _observe(was: Mapping[str, Entry | None], rows: Mapping[str, Entry | None], moment: str) -> None:
    ends: Tally[tuple[str, str]] = Tally()
    to_call: list[float] = []
    to_end: defaultdict[str, list[float]] = defaultdict(list)
    for key, entry in rows.items():
        before = was[key]
        if before is None or entry is None or before.command is None:
            continue
        called = bool(entry.attempt and not before.attempt)
        ended = entry.state == "settled" and before.state != "settled"
        step = entry.last_step or ""
        if ended:
            ends[entry.tenant, step] += 1
        if not (called or ended) or (waited := _waited_s(before, before.command, moment)) is None:
            continue
        if called:
            to_call.append(waited)
        if ended:
            to_end[step].append(waited)
    for labels, number in ends.items():
        _ended(*labels).inc(number)
    TO_CALL.observe("", to_call)
    for step, seconds in to_end.items():
        TO_END.observe(step, seconds)


def _waited_s(entry: Entry, command: Accepted, moment: str) -> float | None:
    """Since it might go. What it waited for by its own wish, or by a rule about the person, is no delay."""
    since = max(command.accepted_at, command.not_before or "", entry.released_at or "")
    return took_s(since, moment)


def _stops(before: Standing | None, after: Standing | None) -> Iterator[str]:
    """When those words were received by which a person opted out, and that were not known before."""
    if after is None or (before is not None and before.outs is after.outs):
        return
    known = set(_ids(before))
    found: dict[str, str] = {}
    for marks in after.outs.values():
        for name, mark in marks.items():
            if name not in known and mark.source in _OWN_WORDS:
                found[name] = mark.at
    yield from found.values()


def _ids(standing: Standing | None) -> Iterator[Any]:
    for marks in standing.outs.values() if standing else ():
        yield from marks
