"""Looks at the media of commands before their attempts: made beside the lanes, remembered for a while.

A host that answers at once holds nobody up: its command's turn waits a moment. Else the command is deferred, and goes
on when the look is over; so a slow host holds its own commands alone, and so many looks of one host are made at once.
"""

import asyncio
from collections import Counter as Counts
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from prometheus_client import Counter, Gauge, Histogram

from services.domain.clock import later
from services.domain.gate.conditions import media_of
from services.domain.gate.question import Question
from services.domain.media import Found, MediaRules, MediumSeen, judge
from services.runtime.clock import now
from services.runtime.folding.partition import Partition
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.conditions import Kind
from services.sender.metrics import SENDER

LOOKS = Counter(
    "switchboard_media_looks_total",
    "Looks at media before a send, by what came of them: found; barred (it cannot be fetched); passing (looked at "
    "again)",
    ["outcome"],
    registry=SENDER,
)
LOOK_SECONDS = Histogram(
    "switchboard_media_look_seconds", "A look at one medium", buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5), registry=SENDER
)
UNDER_WAY = Gauge("switchboard_media_looks_under_way", "Commands whose media are being looked at", registry=SENDER)
FAULTS = Counter(
    "switchboard_media_faults_total",
    "Commands that ended or waited for their media, by why: reach, content, signature",
    ["tenant", "decision", "why"],
    registry=SENDER,
)

# How long a turn waits for a look, and how many of them at once.
_SOON_S, _TURNS = 0.3, 4
# Commands whose media are looked at, and looks at once: of all, of a tenant, of a host. What is more waits for a while.
_MOST, _MOST_OF_TENANT, _MOST_OF_HOST = 1000, 250, 100
_AT_ONCE, _AT_ONCE_OF_TENANT, _AT_ONCE_OF_HOST = 32, 8, 4
# What is remembered: so many URLs; a good one, one that cannot be fetched.
_REMEMBERED = 10_000
_GOOD_S, _BARRED_S = 300.0, 60.0
# What may pass is looked at again after this, and after twice as long each time.
_AGAIN_S, _LONGEST_S = 30.0, 600.0


class Look(Protocol):
    """Who looks at one URL."""

    async def look(self, url: str) -> Found: ...
    async def close(self) -> None: ...


class _Known(NamedTuple):
    found: Found
    until: str
    # Faults in a row that may pass.
    failed: int


@dataclass(frozen=True, slots=True)
class _Rules:
    asked: bool
    media: MediaRules


class Seen(NamedTuple):
    """What is known of a command's media now; `look`: of what is not known."""

    media: list[MediumSeen]
    look: Literal["under_way", "waits"] | None = None


class Looks:
    """`look`: who looks. `by_default`: whether tenants have it that say nothing of it. `over`: a condition may have
    ended."""

    def __init__(self, look: Look, tenants: Tenants, by_default: bool) -> None:
        self._look = look
        self._rules = Derived(tenants, lambda _, tenant: _rules(tenant, by_default))
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._counts: Counts[str] = Counts()
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._own_places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._turns = 0
        self.over: Callable[[Partition, str], None] = lambda _, __: None

    @property
    def kind(self) -> Kind:
        """What is deferred for its media goes once the look is over; after a restart none is under way."""
        return Kind(lambda _, condition: condition in self._under_way, lambda _: ())

    def seen(self, question: Question, urls: Sequence[str], channel: str, moment: str) -> Seen:
        """What is known of a command's media, by its tenant's rules."""
        rules = self._rules[question.tenant]
        if not urls or not rules.asked:
            return Seen([])
        found = [self._remembered(url, moment) for url in urls]
        known = [(url, one) for url, one in zip(urls, found, strict=True) if one is not None]
        if len(known) < len(urls):
            return Seen([], "under_way" if _condition(question) in self._under_way else "waits")
        return Seen(judge(channel, known, rules.media, moment))

    async def soon(self, partition: Partition, question: Question, urls: Sequence[str]) -> None:
        """Begin to look at what is not known, and wait a moment for it if there is a place."""
        task = self._begin(partition, question, urls)
        if task is None or self._turns >= _TURNS:
            return
        self._turns += 1
        try:
            await asyncio.wait({task}, timeout=_SOON_S)
        finally:
            self._turns -= 1

    async def close(self) -> None:
        tasks = [*self._under_way.values(), *self._looking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._look.close()

    def _begin(self, partition: Partition, question: Question, urls: Sequence[str]) -> "asyncio.Task[None] | None":
        condition, tenant = _condition(question), f"tenant {question.tenant}"
        if condition in self._under_way:
            return self._under_way[condition]
        host = f"host {_host(urls[0])}"
        full = self._counts[tenant] >= _MOST_OF_TENANT or self._counts[host] >= _MOST_OF_HOST
        if full or len(self._under_way) >= _MOST:
            return None
        self._counts.update((tenant, host))
        task = self._under_way[condition] = asyncio.create_task(self._all(tenant, urls))
        UNDER_WAY.set(len(self._under_way))

        def ended(_: "asyncio.Task[None]") -> None:
            del self._under_way[condition]
            for name in (tenant, host):
                self._counts[name] -= 1
                if not self._counts[name]:
                    del self._counts[name]
            UNDER_WAY.set(len(self._under_way))
            self.over(partition, condition)

        task.add_done_callback(ended)
        return task

    async def _all(self, tenant: str, urls: Sequence[str]) -> None:
        missing = [url for url in dict.fromkeys(urls) if self._remembered(url, now()) is None]
        tasks = []
        for url in missing:
            task = self._looking.get(url)
            if task is None:
                task = self._looking[url] = asyncio.create_task(self._one(tenant, url))
                task.add_done_callback(lambda _, url=url: self._looking.pop(url, None))  # type: ignore[misc]
            tasks.append(asyncio.shield(task))
        await asyncio.gather(*tasks)

    async def _one(self, tenant: str, url: str) -> None:
        of_host, of_tenant = self._own(f"host {_host(url)}", _AT_ONCE_OF_HOST), self._own(tenant, _AT_ONCE_OF_TENANT)
        # Its host's place first, all tenants' last: who waits for what is slow keeps no other from what is fast.
        async with of_host, of_tenant, self._places:
            with LOOK_SECONDS.time():
                found = await self._look.look(url)
        self._remember(url, found)

    def _own(self, name: str, places: int) -> asyncio.Semaphore:
        found = self._own_places.get(name)
        if found is None:
            found = self._own_places[name] = asyncio.Semaphore(places)
        return found

    def _remembered(self, url: str, moment: str) -> Found | None:
        known = self._known.get(url)
        return known.found if known is not None and moment < known.until else None

    def _remember(self, url: str, found: Found) -> None:
        before, moment = self._known.pop(url, None), now()
        failed = 0
        if found.again_at is not None:
            failed = (before.failed if before else 0) + 1
            wait_s = (_LONGEST_S, _AGAIN_S * 2.0 ** (failed - 1))
            found = found._replace(again_at=later(moment, min(wait_s)))
        until = found.again_at or later(moment, _BARRED_S if found.fault else _GOOD_S)
        LOOKS.labels("passing" if found.again_at else "barred" if found.fault else "found").inc()
        self._known[url] = _Known(found, until, failed)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def count(seen: Sequence[MediumSeen], tenant: str, decision: str) -> None:
    """A command ended or waits for its media."""
    for why in {one.of for one in seen if one.of is not None}:
        FAULTS.labels(tenant, decision, why).inc()


def _condition(question: Question) -> str:
    return media_of(question.contact, question.media or "")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _rules(tenant: TenantSettings, by_default: bool) -> _Rules:
    media = tenant.media
    asked = by_default if media.preflight is None else media.preflight
    types = frozenset(one.lower() for one in media.types)
    return _Rules(asked, MediaRules(media.document_bytes, media.mms_file_bytes, types, media.signed_for_s))
