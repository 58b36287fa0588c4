"""The engine: of each product, who is read now. It knows no product.

Each tenant of a product has a round of its own, one at a time, and each of its accounts reads for itself: one that is
paused or refused holds nobody else up.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from services.poller.polled import Party, Polled, Read
from services.poller.reader import Reader, Unreadable
from services.runtime.clock import now
from services.runtime.config import PollerSettings
from services.runtime.failpoints import reach
from services.runtime.folding.index import Listed, beyond
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.policy import words_of
from services.runtime.tenants.live import Tenants, accounts_of

logger = logging.getLogger(__name__)

# Reads an account of a tenant at a product's host.
Readers = Callable[[Polled, str, str], Reader]


class Rounds(Listener):
    """The rounds of one product, over the partitions that this worker owns."""

    def __init__(self, product: Polled, tenants: Tenants, settings: PollerSettings, readers: Readers) -> None:
        self._product = product
        self._tenants = tenants
        self._settings = settings
        self._readers = readers
        self._owned: dict[int, Partition] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[tuple[str, str], str] = {}

    @property
    def owned(self) -> Mapping[int, Partition]:
        """The partitions of this product that are restored here, by number."""
        return self._owned

    def troubles(self) -> list[str]:
        """Accounts that may not be read, with the remedy."""
        return list(self._refused.values())

    async def taken(self, partition: Partition) -> None:
        self._owned[partition.partition] = partition

    async def leaving(self, partition: Partition) -> None:
        self._owned.pop(partition.partition, None)
        # They read for several partitions; what they told is committed, and the rest begins anew.
        rounds = list(self._under_way.values())
        for one in rounds:
            one.cancel()
        if rounds:
            await asyncio.wait(rounds)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._product.every_s)
            for tenant in self._waiting():
                if tenant not in self._under_way and tenant in self._tenants:
                    self._begin(tenant)
                # Others have their turn: there may be a thousand tenants.
                await asyncio.sleep(0)

    def _waiting(self) -> set[str]:
        """The tenants that have rows in any list."""
        return {tenant for partition in list(self._owned.values()) for tenant in self._listed_in(partition)}

    def _listed_in(self, partition: Partition) -> Iterator[str]:
        after: Listed | None = None
        while found := partition.listed(self._product.table, "", after, 1):
            tenant = found[0].name.partition(" ")[0]
            after = beyond(f"{tenant} ")
            yield tenant

    def _begin(self, tenant: str) -> None:
        rows: dict[str, tuple[Partition, object]] = {}
        moment = now()
        for partition in self._owned.values():
            for key in self._product.wanted(partition, tenant, self._settings, moment):
                if (row := partition.read(key, self._product.table)) is not None:
                    rows[key] = partition, row
        if rows:
            self._under_way[tenant] = task = asyncio.create_task(self._round(tenant, rows))
            task.add_done_callback(lambda done: self._ended(tenant, done))

    def _ended(self, tenant: str, task: "asyncio.Task[None]") -> None:
        self._under_way.pop(tenant, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its rows stand as they stood, and are read in the next round.
            logger.error("a round of %s failed: %r", self._product.contract.name, error, exc_info=error)

    async def _round(self, tenant: str, rows: Mapping[str, tuple[Partition, object]]) -> None:
        settings = self._tenants.get(tenant)
        if settings is None:
            return
        known = accounts_of(settings)
        by_account: defaultdict[str, dict[str, object]] = defaultdict(dict)
        nowhere: list[Read] = []
        for key, (_, row) in rows.items():
            account = self._product.account(row) or settings.account_sid
            if account in known:
                by_account[account][key] = row
            else:
                nowhere.append(Read(key, row, self._product.nowhere(row, now())))
        party = Party(tenant, settings.contact_secret.get_secret_value().encode(), words_of(settings.consent))
        partitions = {key: partition for key, (partition, _) in rows.items()}
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell(nowhere, partitions))
            for account, wanted in by_account.items():
                group.create_task(self._read(party, account, wanted, partitions))

    async def _read(
        self, party: Party, account: str, rows: Mapping[str, object], partitions: Mapping[str, Partition]
    ) -> None:
        reader = self._readers(self._product, party.tenant, account)
        place = party.tenant, account
        try:
            async for found in self._product.read(reader, party, rows):
                reach("poller.read")
                await self._tell(found, partitions)
                self._refused.pop(place, None)
        except Unreadable as error:
            logger.warning("%s of %s, account %s: %s", self._product.contract.name, *place, error)
            if error.refused:
                self._refused[place] = (
                    f"{party.tenant}: {error}, account {account}, host {self._product.host}; check its credentials, "
                    "and what its API key may read"
                )

    async def _tell(self, found: list[Read], partitions: Mapping[str, Partition]) -> None:
        """Have what was read folded; it is counted once it is committed."""
        await asyncio.gather(*(partitions[one.key].submit(one.event) for one in found))
        for one in found:
            self._product.told(one)
