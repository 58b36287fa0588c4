"""Looks at the tenants' files again: every few seconds, and at once on SIGHUP. By content, for a ConfigMap on NFS
tells nobody of its changes."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress

from prometheus_client import REGISTRY, Counter, Gauge, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.runtime.tenants.files import Found, Refused, TenantFiles
from services.runtime.tenants.known import NotKnown
from services.runtime.tenants.live import Tenants, accounts_of
from services.runtime.tenants.settings import TenantSettings

_log = logging.getLogger(__name__)

EVERY_S = 3.0
# Of thousands of tenants a look takes a while; it may take this share of a core.
_SHARE = 0.03
_MOST_AGES = 1000
# Each time all that the log knows is read.
_TOGETHER = 1000

# By name, why one of these may not be used. Raises NotKnown where that cannot be said now.
Compare = Callable[[Mapping[str, TenantSettings]], Awaitable[Mapping[str, str]]]

TENANTS = Gauge(
    "switchboard_tenants", "Tenants that count, by state; awaited: with a file that was never usable", ["state"]
)
CHANGES = Counter("switchboard_tenant_changes_total", "Tenants that came, went or changed since the start")
TROUBLES = Gauge("switchboard_tenant_troubles", "What of the tenants' files cannot be used; /readyz says it")
TAKEN_AT = Gauge("switchboard_tenants_taken_timestamp_seconds", "When a change of tenants last came to count")
LOOKED_AT = Gauge("switchboard_tenants_looked_timestamp_seconds", "When the tenants' files were last looked at")


class SecretAges(Collector):
    """When each secret's file was last written, the oldest first: so many that nobody reads all are not shown."""

    files: TenantFiles | None = None

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "switchboard_secret_set_timestamp_seconds",
            "When a secret's file was last written; of a tenant's own file, or (tenant empty) of the settings file",
            labels=["tenant", "secret", "file"],
        )
        found = sorted(self.files.written(), key=lambda one: one[0]) if self.files else []
        for at, *labels in found[:_MOST_AGES]:
            family.add_metric(labels, at)
        yield family


AGES = SecretAges()
REGISTRY.register(AGES)


class Watch:
    """Takes over what the files say, for as long as `running` is open."""

    def __init__(
        self, tenants: Tenants, files: TenantFiles, every_s: float = EVERY_S, compare: Compare | None = None
    ) -> None:
        self._tenants = tenants
        self._files = files
        self._every_s = every_s
        self._compare = compare
        # Those that were compared, and are not who they say.
        self._strangers: dict[str, tuple[TenantSettings, Refused]] = {}
        self._asked = asyncio.Event()
        self._told: frozenset[str] = frozenset()
        AGES.files = files

    def again(self) -> None:
        """Read everything afresh now."""
        self._asked.set()

    @asynccontextmanager
    async def running(self, within_s: float | None = None) -> AsyncIterator[None]:
        """All who may count do so before it opens, or as many as were compared within so many seconds.

        The others are awaited until they are, and `settled` is set then.
        """
        found = self._files.look()
        if within_s is None:
            self.take(await self._compared(found))
            task = asyncio.create_task(self._look_again(), name="tenants")
        else:
            self._tenants.settled.clear()
            task = asyncio.create_task(self._meet_and_look_again(found), name="tenants")
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._tenants.settled.wait(), within_s)
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _meet_and_look_again(self, first: Found) -> None:
        try:
            await self._meet(first)
            self._tenants.settled.set()
        except Exception:
            _log.exception("the tenants could not be compared")
        await self._look_again()

    async def _meet(self, found: Found) -> None:
        """Compare them some at a time: those count, while the others are awaited."""
        new = self._unmet(found)
        tenants = {
            name: said._replace(tenant=Refused("", accounts_of(new[name]))) if name in new else said
            for name, said in found.tenants.items()
        }
        # Also where nobody is new.
        self.take(found._replace(tenants=tenants))
        names, strangers = list(new), self._strangers
        for place in range(0, len(names), _TOGETHER):
            some = {name: found.tenants[name] for name in names[place : place + _TOGETHER]}
            tenants |= (await self._compared(found._replace(tenants=some))).tenants
            strangers = strangers | self._strangers
            self.take(found._replace(tenants=tenants))
        self._strangers = strangers

    async def _look_again(self) -> None:
        pause_s = self._every_s
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), pause_s)
            afresh = self._asked.is_set()
            self._asked.clear()
            pause_s = self._every_s
            try:
                found, took_s = await asyncio.to_thread(self._look, afresh)
                pause_s = max(self._every_s, took_s / _SHARE)
                self.take(await self._compared(found))
                self._tenants.settled.set()
            except Exception:
                # What counts goes on counting, and the next look may see better.
                _log.exception("the tenants' files could not be looked at")

    def _look(self, afresh: bool) -> tuple[Found, float]:
        """And the seconds of a core that it took: to wait for a disk, for Kafka, or for a core costs none."""
        began = time.thread_time()
        found = self._files.look(afresh)
        return found, time.thread_time() - began

    async def _compared(self, found: Found) -> Found:
        """The same, but for those who never counted here and are not whom the log knows: they are refused."""
        new = self._unmet(found)
        if self._compare is None or not new:
            return found
        strangers = {name: one for name, one in self._strangers.items() if new.get(name) is one[0]}
        asked = {name: tenant for name, tenant in new.items() if name not in strangers}
        try:
            sentences = await self._compare(asked) if asked else {}
        except NotKnown as error:
            sentences, asked = {name: f"{name} waits: {error}; it is tried again" for name in asked}, {}
        if self._unmet(found).keys() - new.keys():
            # Meanwhile one that counted was found to be another.
            return await self._compared(found)
        refused = {name: Refused(sentence, accounts_of(new[name])) for name, sentence in sentences.items()}
        self._strangers = strangers | {name: (asked[name], one) for name, one in refused.items() if name in asked}
        refused |= {name: one for name, (_, one) in strangers.items()}
        return found._replace(
            tenants={
                **found.tenants,
                **{name: found.tenants[name]._replace(tenant=one) for name, one in refused.items()},
            }
        )

    def _unmet(self, found: Found) -> dict[str, TenantSettings]:
        return {
            name: said.tenant
            for name, said in found.tenants.items()
            if isinstance(said.tenant, TenantSettings) and not self._tenants.met(name)
        }

    def take(self, found: Found) -> None:
        changed = self._tenants.take(found)
        moment = time.time()
        LOOKED_AT.set(moment)
        if changed:
            CHANGES.inc(len(changed))
            TAKEN_AT.set(moment)
            _log.info("tenants changed: %s", _few(changed))
        troubles = frozenset(self._tenants.troubles())
        for trouble in sorted(troubles - self._told):
            _log.error("%s", trouble)
        TROUBLES.set(len(troubles))
        for state, number in self._tenants.states().items():
            TENANTS.labels(state).set(number)
        self._told = troubles


def _few(names: frozenset[str], most: int = 20) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(sorted(names)[:most]) + more
