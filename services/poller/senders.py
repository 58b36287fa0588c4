"""Twilio's list of WhatsApp senders, read every few minutes: who is offline, and what WhatsApp thinks of each."""

import asyncio
import logging
from collections.abc import Callable

from prometheus_client import Gauge

from services.contract.partition import key_on
from services.domain.clock import seconds_between
from services.domain.messages import sender_health
from services.domain.messages.sender_health import SendersRead, Watched, worse
from services.poller.metrics import POLLER
from services.poller.of_tenants import OfTenants
from services.poller.reader import Reader, Ungiven, Unreadable, items, text
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.folding.fold import Step, Table
from services.runtime.folding.partition import Partition
from services.runtime.masking import mask
from services.runtime.tenants.live import Tenants

logger = logging.getLogger(__name__)

TABLE = "channelsenders"
STEP = Step(sender_health.fold, Table(TABLE, Watched, lambda event: event.tenant), takes=(SendersRead,))
_EVERY_S = 5.0
_PATH = "/v2/Channels/Senders"
_PAGE_SIZE = "100"
_MOST_PAGES = 10

STANDING = Gauge(
    "switchboard_whatsapp_sender",
    "1 for each of a tenant's WhatsApp senders, with its state, WhatsApp's rating and its limit as Twilio lists them; "
    "the sender is masked",
    ["tenant", "sender", "status", "quality", "limit"],
    registry=POLLER,
)


class WatchedSenders(OfTenants):
    """Whoever owns the partition of a tenant's name reads its list. `reader`: of a tenant's account at Messaging."""

    def __init__(self, settings: Settings, tenants: Tenants, reader: Callable[[str, str], Reader]) -> None:
        partitions = settings.kafka.partitions
        super().__init__(partitions)
        self._every_s = settings.poller.senders_every_s
        self._tenants = tenants
        self._reader = reader
        self._read_at: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        # What the metric says, by tenant.
        self._shown: dict[str, set[tuple[str, ...]]] = {}
        self._keys = tuple(key_on(number, partitions) for number in range(partitions))

    def troubles(self) -> list[str]:
        """Accounts whose senders may not be read, for people."""
        return [why for tenant, why in self._refused.items() if tenant in self._tenants]

    def _left(self) -> None:
        STANDING.clear()
        self._shown.clear()
        # Whoever owns it next reads it, and tells that.
        self._refused.clear()

    async def run(self) -> None:
        """Until cancelled."""
        every_s = self._every_s
        if every_s is None:
            return
        while True:
            await asyncio.sleep(min(_EVERY_S, every_s))
            for tenant in list(self._tenants):
                read_at = self._read_at.get(tenant)
                if read_at is None or seconds_between(read_at, now()) >= every_s:
                    self._look(tenant)

    def _look(self, tenant: str) -> None:
        partition, settings = self._free(tenant), self._tenants[tenant]
        listed = settings.allowed_senders
        if partition is None or settings.state == "closed":
            return
        # An empty list of senders is all of them.
        if listed and not any(one.startswith("whatsapp:") for one in listed):
            return
        self._read_at[tenant] = now()
        self._begin(tenant, self._read(partition, tenant, settings.account_sid))

    def _failed(self, tenant: str, error: BaseException) -> None:
        logger.error("the senders of %s cannot be read: %r", tenant, error, exc_info=error)

    async def _read(self, partition: Partition, tenant: str, account: str) -> None:
        try:
            found = await self._listed(self._reader(tenant, account))
        except (Ungiven, Unreadable) as error:
            logger.warning("%s: its WhatsApp senders cannot be read: %s", tenant, error)
            if isinstance(error, Unreadable) and error.refused:
                self._refused[tenant] = f"{tenant}: {error}, its WhatsApp senders; check what its API key may read"
            return
        self._refused.pop(tenant, None)
        before: Watched | None = partition.read(tenant, TABLE)
        await partition.submit(SendersRead(tenant=tenant, at=now(), keys=self._keys, senders=found))
        self._tell(tenant, before, found)

    async def _listed(self, reader: Reader) -> dict[str, sender_health.Health]:
        page = await reader.get(_PATH, {"Channel": "whatsapp", "PageSize": _PAGE_SIZE})
        senders = items(page, "senders")
        for _ in range(_MOST_PAGES):
            following = text(page, "meta", "next_page_url")
            if following is None:
                break
            page = await reader.follow(following)
            senders += items(page, "senders")
        return sender_health.read(senders)

    def _tell(self, tenant: str, before: Watched | None, found: dict[str, sender_health.Health]) -> None:
        for labels in self._shown.pop(tenant, ()):
            STANDING.remove(*labels)
        known = before.senders if before else {}
        for sender, one in found.items():
            labels = tenant, mask(sender), one.status, one.quality or "", one.limit or ""
            STANDING.labels(*labels).set(1)
            self._shown.setdefault(tenant, set()).add(labels)
            earlier = known.get(sender)
            if worse(earlier, one):
                logger.warning("%s: WhatsApp rates %s %s now", tenant, mask(sender), one.quality)
            if one.offline and not (earlier and earlier.offline):
                why = "; ".join(one.reasons) or "no reason given"
                logger.warning("%s: %s is offline: %s", tenant, mask(sender), why)
