"""One partition without a broker: the ledger is a recording stand-in, because order is what is asked for."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

from services.contract import codec
from services.runtime.folding.flush import Changed
from services.runtime.folding.fold import Emission
from services.runtime.folding.ledger import Ledger
from services.runtime.folding.partition import Partition
from services.runtime.folding.store import Change, PartitionedStore
from tests.folding import tally
from tests.folding.tally import Counted, Fact
from tests.waiting import eventually

SOURCE, DERIVED, CHANGELOG = "facts.v1", "counted.v1", "app-tally-changelog"


class World:
    """Ledger, store and mark of one partition, writing down in which order they are reached."""

    changelog = CHANGELOG

    def __init__(self, max_batch: int = 100, unhurried: bool = False) -> None:
        self.effects: list[tuple[str, Any]] = []
        self.stored: dict[bytes, bytes] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken: Exception | None = None
        self.flushes: list[dict[tuple[str, int], int]] = []
        self.changes: list[Changed] = []
        # The topics that each flush told something to.
        self.told: list[list[str]] = []
        fold = tally.tally_fold(SOURCE, self._fold, unhurried)
        self.partition = Partition(
            fold, 0, cast(Ledger, self), {tally.FOLD: cast(PartitionedStore, self._store())}, max_batch
        )
        self.running: asyncio.Task[None] | None = None

    def run(self) -> None:
        self.running = asyncio.create_task(self.partition.run(self))

    async def write(
        self, emissions: Iterable[Emission], partition: int, rows: Mapping[str, Sequence[Emission]]
    ) -> dict[str, int]:
        """The ledger's part."""
        assert (set(rows) <= {CHANGELOG}, partition) == (True, 0)
        await self.gate.wait()
        if self.broken:
            raise self.broken
        self.effects.append(("write", (list(emissions), list(rows.get(CHANGELOG, [])))))
        return dict.fromkeys(rows, 40 + len(self.written()))

    def written(self) -> list[tuple[list[Emission], list[Emission]]]:
        return [detail for effect, detail in self.effects if effect == "write"]

    def emitted(self) -> list[Emission]:
        return [emission for emissions, _ in self.written() for emission in emissions]

    def counted(self) -> list[Counted]:
        return [codec.decode(one.value, Counted) for one in self.emitted() if one.topic == DERIVED]

    def names(self) -> list[str]:
        return [effect for effect, _ in self.effects]

    async def flushed(self, count: int = 1) -> None:
        await eventually(lambda: len(self.flushes) >= count, what=f"{count} flushes")

    def _fold(self, state: Any, fact: Any, /) -> tuple[Any, list[Counted]]:
        self.effects.append(("fold", fact))
        return tally.fold(state, fact)

    def _store(self) -> Any:
        def apply(partition: int, changes: Iterable[Change], offset: int) -> None:
            self.effects.append(("apply", (partition, offset)))
            for key, value, _, _ in changes:
                if value is None:
                    self.stored.pop(key, None)
                else:
                    self.stored[key] = value

        return SimpleNamespace(changelog=CHANGELOG, apply=apply, partition=lambda _: self.stored)

    async def folded(self, partition: Partition, changed: Changed) -> None:
        self.changes.append(changed)

    def committed(self, offsets: Mapping[tuple[str, int], int], took_s: float | None, told: Collection[str]) -> None:
        self.effects.append(("mark", dict(offsets)))
        self.flushes.append(dict(offsets))
        self.told.append(list(told))


def record(offset: int, value: Any, **fields: Any) -> Any:
    content = value if isinstance(value, bytes | None) else codec.encode(value)
    given = {"key": b"k", "timestamp": 1_700_000_000_000, "timestamp_type": 0, "headers": (), **fields}
    return SimpleNamespace(topic=SOURCE, partition=0, offset=offset, value=content, **given)


def fact(number: int, key: str = "a", note: str = "") -> Fact:
    return Fact(f"fact-{number}", key, note)
