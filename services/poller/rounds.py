"""The engine: of each product, who is read now. It knows no product.

Each account of a tenant has rounds of its own, one at a time: one that is paused or refused holds nobody else up, and
no row holds up another.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

from services.poller.polled import Party, Place, Polled, Read
from services.poller.reader import Reader, Unreadable
from services.runtime.clock import now
from services.runtime.failpoints import reach
from services.runtime.folding.index import Listed, beyond
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.replying import words_of
from services.runtime.sections.poller import PollerSettings
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
        self._under_way: dict[Place, asyncio.Task[None]] = {}
        self._refused: dict[tuple[str, str], str] = {}

    @property
    def owned(self) -> Mapping[int, Partition]:
        """The partitions of this product that are restored here, by number."""
        return self._owned

    def troubles(self) -> list[str]:
        """Accounts that may not be read, with the remedy. Of one that left a tenant nothing is to be mended."""
        known = {tenant: accounts_of(settings) for tenant, settings in self._tenants.items()}
        return [why for (tenant, account), why in self._refused.items() if account in known.get(tenant, ())]

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
            for place in self._waiting():
                if place not in self._under_way and place.tenant in self._tenants:
                    self._begin(place)
                # Others have their turn: there may be a thousand tenants.
                await asyncio.sleep(0)

    def _waiting(self) -> set[Place]:
        """The accounts that have rows in any list."""
        return {place for partition in list(self._owned.values()) for place in self._listed_in(partition)}

    def _listed_in(self, partition: Partition) -> Iterator[Place]:
        after: Listed | None = None
        while found := partition.listed(self._product.table, "", after, 1):
            place = Place(*found[0].name.split(" ")[:2])
            after = beyond(f"{place.tenant} {place.account} ")
            yield place

    def _begin(self, place: Place) -> None:
        rows: dict[str, tuple[Partition, object]] = {}
        moment = now()
        for partition in self._owned.values():
            for key in self._product.wanted(partition, place, self._settings, moment):
                if (row := partition.read(key, self._product.table)) is not None:
                    rows[key] = partition, row
        if rows:
            self._under_way[place] = task = asyncio.create_task(self._round(place, rows))
            task.add_done_callback(lambda done: self._ended(place, done))

    def _ended(self, place: Place, task: "asyncio.Task[None]") -> None:
        self._under_way.pop(place, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its rows stand as they stood, and are read in the next round.
            logger.error("a round of %s failed: %r", self._product.contract.name, error, exc_info=error)

    async def _round(self, place: Place, rows: Mapping[str, tuple[Partition, object]]) -> None:
        settings = self._tenants.get(place.tenant)
        if settings is None:
            return
        account = place.account or settings.account_sid
        partitions = {key: partition for key, (partition, _) in rows.items()}
        wanted = {key: row for key, (_, row) in rows.items()}
        if account not in accounts_of(settings):
            await self._tell(
                [Read(key, row, self._product.nowhere(row, now())) for key, row in wanted.items()], partitions
            )
            return
        party = Party(place.tenant, settings.contact_secret.get_secret_value().encode(), words_of(settings.consent))
        await self._read(party, account, wanted, partitions)

    async def _read(
        self, party: Party, account: str, rows: Mapping[str, object], partitions: Mapping[str, Partition]
    ) -> None:
        whose = party.tenant, account

        async def tell(found: list[Read]) -> None:
            reach("poller.read")
            await self._tell(found, partitions)
            self._refused.pop(whose, None)

        try:
            await self._product.read(self._readers(self._product, *whose), party, rows, tell)
        except Unreadable as error:
            logger.warning("%s of %s, account %s: %s", self._product.contract.name, *whose, error)
            if error.refused:
                self._refused[whose] = (
                    f"{party.tenant}: {error}, account {account}, host {self._product.host}; check its credentials, "
                    "and what its API key may read"
                )

    async def _tell(self, found: list[Read], partitions: Mapping[str, Partition]) -> None:
        """Have what was read folded; it is counted once it is committed."""
        await asyncio.gather(*(self._fold(one, partitions[one.key]) for one in found))

    async def _fold(self, read: Read, partition: Partition) -> None:
        try:
            await partition.submit(read.event)
        except ValueError as error:
            # What Twilio gave has no place on the log, such as a record that is too large: of this row alone.
            logger.error("%s: what was read of %s cannot be folded: %s", self._product.contract.name, read.key, error)
            read = read._replace(event=self._product.failed(read.row, now()))
            await partition.submit(read.event)
        self._product.told(read)
