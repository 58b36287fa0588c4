"""Twilio's daily list of US numbers that carriers took back: read once a day and tenant, and told to whom it matters.

The list has some 100,000 numbers, of which few are anybody's here. Each is hashed by the tenant's contact secret and
told in parts, by partition: who keeps contacts there marks those that it knows. Whoever is killed has told some of it;
the next owner reads the day again, and what comes twice changes nothing.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import date
from urllib.parse import urlsplit

import aiohttp
from prometheus_client import Counter, Gauge
from yarl import URL

from services.contract.partition import key_on, partition_of
from services.domain.clock import parse, seconds_between
from services.domain.contact import contact_key
from services.domain.messages import deactivated
from services.domain.messages.deactivated import GIVEN_UP, Deactivated, ListRead, PartRead
from services.poller.metrics import POLLER
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.failpoints import reach
from services.runtime.folding.fold import Step, Table
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.line import Line, way
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

logger = logging.getLogger(__name__)

TABLE = "deactivated"
STEP = Step(deactivated.fold, Table(TABLE, Deactivated, lambda event: event.tenant), takes=deactivated.FACTS)

THROUGH = Gauge(
    "switchboard_deactivations_through_seconds",
    "The end of the last day whose list of deactivated numbers is on the log (Unix time)",
    ["tenant"],
    registry=POLLER,
)
NUMBERS = Counter(
    "switchboard_deactivations_numbers_total",
    "Lines of these lists: told, or odd (no number of the US)",
    ["tenant", "outcome"],
    registry=POLLER,
)
FAILED = Counter(
    "switchboard_deactivations_failed_total", "Lists that could not be read; they are asked for again", ["tenant"],
    registry=POLLER,
)  # fmt: skip

_EVERY_S = 5.0
_AGAIN_S, _ABSENT_AGAIN_S = 300.0, 3600.0
_TOGETHER = 2
# Of one record, and of one line; of one reading, so that others have the event loop.
_PART = 200
_LONGEST_LINE = 64
_CHUNK = 8192
_FILE_S, _SILENT_S = 1800.0, 60.0
_OK, _REDIRECTS, _NOT_FOUND = 200, frozenset({302, 303, 307, 308}), 404


class _Unread(Exception):
    """The list cannot be read now. The text names no URL: that of the file is a key to it."""


class Deactivating(Listener):
    """Whoever owns the partition of a tenant's name reads its lists."""

    def __init__(self, settings: Settings, tenants: Tenants, line: Line) -> None:
        self._settings = settings
        self._tenants = tenants
        self._line = line
        self._owned: dict[int, Partition] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._later: dict[str, tuple[str, float]] = {}
        self._together = asyncio.Semaphore(_TOGETHER)
        partitions = settings.kafka.partitions
        self._keys = [key_on(number, partitions) for number in range(partitions)]

    async def taken(self, partition: Partition) -> None:
        self._owned[partition.partition] = partition

    async def leaving(self, partition: Partition) -> None:
        self._owned.pop(partition.partition, None)
        THROUGH.clear()
        runs = list(self._under_way.values())
        for one in runs:
            one.cancel()
        if runs:
            await asyncio.wait(runs)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            for tenant, settings in list(self._tenants.items()):
                if settings.deactivations:
                    self._look(tenant)

    def _look(self, tenant: str) -> None:
        partition = self._owned.get(partition_of(tenant.encode(), self._settings.kafka.partitions))
        if partition is None or tenant in self._under_way:
            return
        done: Deactivated | None = partition.read(tenant, TABLE)
        if done is not None:
            THROUGH.labels(tenant).set(parse(f"{done.through}T23:59:59.999Z").timestamp())
        failed = self._later.get(tenant)
        if failed is not None and seconds_between(failed[0], now()) < failed[1]:
            return
        day = next(deactivated.due(done, parse(now()).date()), None)
        if day is not None:
            self._under_way[tenant] = task = asyncio.create_task(self._run(partition, tenant, day))
            task.add_done_callback(lambda ended: self._ended(tenant, ended))

    def _ended(self, tenant: str, task: "asyncio.Task[None]") -> None:
        self._under_way.pop(tenant, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(tenant, _AGAIN_S)
            if isinstance(error, _Unread):
                logger.warning("%s: the list of deactivated numbers waits: %s", tenant, error)
            else:
                logger.error("%s: the list of deactivated numbers failed: %r", tenant, error, exc_info=error)

    async def _run(self, partition: Partition, tenant: str, day: date) -> None:
        async with self._together:
            settings = self._tenants[tenant]
            named = await self._named(settings, day)
            if named is None:
                if parse(now()).date() - day <= GIVEN_UP:
                    self._fail(tenant, _ABSENT_AGAIN_S)
                    return
                logger.warning("%s: Twilio has no list of deactivated numbers for %s; it is passed over", tenant, day)
            else:
                told = await self._tell(partition, tenant, day, self._lines(named))
                logger.info("%s: %d numbers were deactivated on %s", tenant, told, day)
            await partition.submit(ListRead(tenant=tenant, date=day.isoformat()))
            self._later.pop(tenant, None)

    async def _tell(self, partition: Partition, tenant: str, day: date, lines: AsyncIterator[bytes]) -> int:
        """Tell all of a list by partition, as soon as there are some of one."""
        secret = self._tenants[tenant].contact_secret.get_secret_value().encode()
        waiting: dict[str, list[str]] = {key: [] for key in self._keys}
        numbers, told = dict.fromkeys(self._keys, 0), 0

        async def tell(key: str) -> None:
            contacts, waiting[key] = tuple(waiting[key]), []
            part = PartRead(tenant=tenant, date=day.isoformat(), key=key, number=numbers[key], contacts=contacts)
            numbers[key] += 1
            await partition.submit(part)
            reach("poller.deactivated")

        async for line in lines:
            number = deactivated.phone(line)
            NUMBERS.labels(tenant, "told" if number else "odd").inc()
            if number is None:
                continue
            contact = contact_key(tenant, number, secret)
            key = self._keys[partition_of(contact.encode(), len(self._keys))]
            waiting[key].append(contact)
            told += 1
            if len(waiting[key]) == _PART:
                await tell(key)
        for key in [key for key, contacts in waiting.items() if contacts]:
            await tell(key)
        return told

    async def _named(self, settings: TenantSettings, day: date) -> URL | None:
        """Where the file of a day is; None: there is none."""
        base = self._settings.twilio.messaging_url
        leads = way("GET", settings.credentials, settings.account_sid, base, settings.region)
        url = URL(f"{leads.base_url}/v1/Deactivations") % {"Date": day.isoformat()}
        try:
            async with self._line.session.get(
                url, headers=leads.headers, proxy=leads.proxy, allow_redirects=False
            ) as answer:
                body, status, location = await answer.read(), answer.status, answer.headers.get("Location")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _Unread(f"Twilio cannot be reached ({type(error).__name__})") from error
        if status == _NOT_FOUND:
            return None
        if status != _OK and status not in _REDIRECTS:
            raise _Unread(f"Twilio refuses it ({status})")
        return _file(_redirect_to(body) or location or "", urlsplit(leads.base_url).scheme)

    async def _lines(self, url: URL) -> AsyncIterator[bytes]:
        """Line by line. The URL opens the file by itself: it gets no credentials of ours, and leads nowhere else."""
        timeout = aiohttp.ClientTimeout(total=_FILE_S, sock_connect=_SILENT_S, sock_read=_SILENT_S)
        rest = b""
        try:
            async with self._line.session.get(url, allow_redirects=False, timeout=timeout) as answer:
                if answer.status != _OK:
                    raise _Unread(f"its file is not given ({answer.status})")
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in _filled(lines):
                        yield line
                    if len(rest) > _LONGEST_LINE:
                        raise _Unread("its file is no list of numbers")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _Unread(f"its file cannot be read to the end ({type(error).__name__})") from error
        for line in _filled([rest]):
            yield line

    def _fail(self, tenant: str, again_s: float) -> None:
        self._later[tenant] = now(), again_s
        FAILED.labels(tenant).inc()


def _filled(lines: list[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line.strip())


def _redirect_to(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    told = found.get("redirect_to") if isinstance(found, dict) else None
    return told if isinstance(told, str) else None


def _file(text: str, scheme: str) -> URL:
    """The file's URL, signed as it stands. By TLS, where Twilio itself is called so."""
    try:
        url = URL(text, encoded=True)
    except ValueError as error:
        raise _Unread("Twilio names no file") from error
    if url.scheme not in ("https", scheme) or not url.host or url.user:
        raise _Unread("Twilio names no file")
    return url
