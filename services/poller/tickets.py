"""Delivers tickets to their tenants' desks: signed, with an idempotency key, again until one is taken or given up.

Each desk has its own places, so one that is slow or gone holds up no other. A redirect is no answer: what is signed for
one host goes to no other.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from prometheus_client import Counter, Gauge

from services.contract.messages import TICKETS_FOLD
from services.domain.messages import tickets
from services.domain.messages.events import KeywordHeard
from services.domain.messages.tickets import Ticket, TicketTried
from services.domain.public_url import is_public
from services.poller.metrics import POLLER
from services.runtime.clock import CLOCK, now
from services.runtime.failpoints import reach
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.folding.index import Listed, beyond
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.strangers import Barred, Judged, Where
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.keywords import DeskSettings

logger = logging.getLogger(__name__)

TABLE = "tickets"
FOLD = Fold(
    TICKETS_FOLD, (Step(tickets.fold, Table(TABLE, Ticket, tickets.row_key, due=tickets.due, lists=tickets.lists)),)
)
TRIED = Counter(
    "switchboard_tickets_tried_total",
    "Tries to deliver a ticket to a tenant's desk: taken, refused (an answer that is not 2xx), failed (no answer)",
    ["tenant", "desk", "outcome"],
    registry=POLLER,
)
WAITING = Gauge("switchboard_tickets_under_way", "Tickets that are being delivered", registry=POLLER)

_EVERY_S = 1.0
_TIMEOUT_S = 10.0
# Of one desk and partition at once.
_TOGETHER = 4
_OK, _REDIRECT = 200, 300
SIGNATURE, TIMESTAMP, KEY = "Switchboard-Signature", "Switchboard-Timestamp", "Idempotency-Key"


class Ticketing(Listener):
    """Works from the rows of the partitions it owns."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants
        self._owned: dict[Partition, dict[str, asyncio.Task[None]]] = {}
        # A name is judged by each of its addresses; the connection goes to what was judged.
        self._judged = Judged(Where())
        self._anywhere, self._outside = _session(None), _session(self._judged)
        WAITING.set_function(lambda: sum(map(len, self._owned.values())))

    async def close(self) -> None:
        await self._anywhere.close()
        await self._outside.close()
        await self._judged.close()

    async def taken(self, partition: Partition) -> None:
        self._owned[partition] = {}

    async def leaving(self, partition: Partition) -> None:
        under_way = list(self._owned.pop(partition, {}).values())
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            for partition in list(self._owned):
                for tenant, desk in list(_desks(partition)):
                    self._look(partition, tenant, desk)
                    await asyncio.sleep(0)

    def _look(self, partition: Partition, tenant: str, desk: str) -> None:
        under_way, prefix = self._owned.get(partition, {}), tickets.under(tenant, desk)
        for one in partition.listed(TABLE, prefix, None, _TOGETHER):
            if one.name.removeprefix(prefix) <= now() and one.key not in under_way:
                task = under_way[one.key] = asyncio.create_task(self._deliver(partition, one.key), name="ticket")
                task.add_done_callback(partial(self._ended, partition, one.key))

    def _ended(self, partition: Partition, key: str, task: "asyncio.Task[None]") -> None:
        self._owned.get(partition, {}).pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its row stands as it stood, and is tried again.
            logger.error("a ticket failed: %r", error, exc_info=error)

    async def _deliver(self, partition: Partition, key: str) -> None:
        row: Ticket | None = partition.read(key, TABLE)
        if row is None or row.heard is None:
            return
        tenant = self._tenants.get(row.tenant)
        desk = tenant.desks.get(row.desk) if tenant is not None else None
        outcome, answer = (
            ("failed", "no such desk is configured") if desk is None else await self._post(desk, row.heard)
        )
        reach("ticket.posted")
        TRIED.labels(row.tenant, row.desk, outcome).inc()
        if outcome != "taken":
            logger.warning(
                "%s: desk %s did not take a ticket (try %d): %s", row.tenant, row.desk, row.tries + 1, answer
            )
        await partition.submit(TicketTried(key=key, at=now(), taken=outcome == "taken", answer=answer))

    async def _post(self, desk: DeskSettings, heard: KeywordHeard) -> tuple[str, str]:
        """What came of it, and in words."""
        body = msgspec.json.encode(heard)
        try:
            if not desk.private and not _permitted(urlsplit(desk.url).hostname or ""):
                return "failed", "its address is not on the Internet; set private: true for a desk of your own network"
            session = self._anywhere if desk.private else self._outside
            headers = signed(body, heard.event_id, desk.secret.get_secret_value(), CLOCK.milliseconds() // 1000)
            async with session.post(desk.url, data=body, headers=headers, allow_redirects=False) as answered:
                status = answered.status
        except Barred:
            return "failed", "its name leads into a private network; set private: true for a desk of your own"
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # ValueError: of a host that no DNS can have.
            return "failed", f"no answer ({type(error).__name__})"
        return ("taken" if _OK <= status < _REDIRECT else "refused"), f"HTTP {status}"


def signed(body: bytes, event_id: str, secret: str, at: int) -> dict[str, str]:
    """The headers of a delivery: the HMAC-SHA256 of time, a dot and the body, in hex."""
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hex()
    return {
        "Content-Type": "application/json",
        SIGNATURE: f"v1={digest}",
        TIMESTAMP: str(at),
        KEY: event_id,
    }


def _desks(partition: Partition) -> Iterator[tuple[str, str]]:
    """The desks that have tickets in this partition."""
    after: Listed | None = None
    while found := partition.listed(TABLE, "", after, 1):
        tenant, desk, _ = found[0].name.split(" ", 2)
        after = beyond(tickets.under(tenant, desk))
        yield tenant, desk


def _session(resolver: AbstractResolver | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=64, resolver=resolver, use_dns_cache=resolver is None),
        timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _permitted(host: str) -> bool:
    """A name is judged by its addresses, when it is resolved; an address here."""
    try:
        return is_public(str(ipaddress.ip_address(host)))
    except ValueError:
        return True
