"""What is done for a tenant by whoever owns the partition of its name: one run at a time, cancelled when it leaves."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from services.contract.partition import partition_of
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener


class OfTenants(Listener):
    """`partitions`: of the topics."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._owned: dict[int, Partition] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def taken(self, partition: Partition) -> None:
        self._owned[partition.partition] = partition

    async def leaving(self, partition: Partition) -> None:
        self._owned.pop(partition.partition, None)
        self._left()
        runs = list(self._under_way.values())
        for one in runs:
            one.cancel()
        if runs:
            await asyncio.wait(runs)

    def _free(self, tenant: str) -> Partition | None:
        """The partition of a tenant's name, where it is ours and nothing is under way for the tenant."""
        return None if tenant in self._under_way else self._owned.get(partition_of(tenant.encode(), self._partitions))

    def _begin(self, tenant: str, run: Coroutine[Any, Any, None]) -> None:
        task = self._under_way[tenant] = asyncio.create_task(run)
        task.add_done_callback(lambda ended: self._ended(tenant, ended))

    def _ended(self, tenant: str, task: "asyncio.Task[None]") -> None:
        self._under_way.pop(tenant, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(tenant, error)

    def _left(self) -> None:
        """A partition is ours no more: what is shown of tenants may be another worker's now."""

    def _failed(self, tenant: str, error: BaseException) -> None:
        """A run ended by an error."""
        raise NotImplementedError
