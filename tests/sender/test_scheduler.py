"""The scheduler without Kafka: what it does beside the attempts, and that it lets go of a partition's rows."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import pytest

from services.domain.messages.outbox import Attempted, Entry, Forgotten, row_key
from services.runtime.folding.partition import Partition
from services.sender import scheduler as under_test
from services.sender.scheduler import Scheduler
from tests.sender.histories import accepted, attempted, attempting, created, history
from tests.waiting import eventually

NOT_DUE = "9999-01-01T00:00:00.000Z"


class Rows:
    """A partition of rows in memory; knows whether somebody iterates over them, and how many events wait at once."""

    def __init__(self, *entries: Entry) -> None:
        self.entries: dict[str, Entry] = {}
        self.put(*entries)
        self.reading = 0
        self.submitted: list[Any] = []
        self.most_waiting = 0
        self._waiting = 0
        self.fails = False

    def put(self, *entries: Entry) -> None:
        self.entries |= {row_key(entry): entry for entry in entries}

    def rows(self) -> Iterator[Entry]:
        self.reading += 1
        try:
            if self.fails:
                raise OSError("the disk is gone")
            yield from list(self.entries.values())
        finally:
            self.reading -= 1

    def read(self, _: str) -> None: ...

    async def submit(self, event: Any) -> None:
        assert not self.reading, "a row is submitted while RocksDB's iterator lives"
        self._waiting += 1
        self.most_waiting = max(self.most_waiting, self._waiting)
        await asyncio.sleep(0)
        self._waiting -= 1
        self.submitted.append(event)
        self.entries.pop(row_key(event))


def settled(count: int, forget_at: str = "2026-01-01T00:00:00.000Z") -> list[Entry]:
    entry, _ = history([accepted(), attempting(1), attempted(1, created())])
    return [
        msgspec.structs.replace(cast(Entry, entry), command_id=f"{forget_at} {number}", forget_at=forget_at)
        for number in range(count)
    ]


async def taken(rows: Rows) -> tuple[Scheduler, Partition]:
    async def no_attempt(_: Partition, __: Entry) -> None: ...

    scheduler, partition = Scheduler(no_attempt, lambda _, __: 1.0, concurrency=1, grace_s=5), cast(Partition, rows)
    await scheduler.taken(partition)
    return scheduler, partition


async def test_at_the_start_what_is_due_is_forgotten_and_an_interrupted_attempt_told() -> None:
    interrupted, _ = history([accepted(), attempting(1)])
    rows = Rows(*settled(350), cast(Entry, interrupted), *settled(3, NOT_DUE))
    await taken(rows)
    await eventually(lambda: len(rows.submitted) == 351)
    assert sum(isinstance(event, Forgotten) for event in rows.submitted) == 350
    assert sum(isinstance(event, Attempted) for event in rows.submitted) == 1
    assert {entry.forget_at for entry in rows.entries.values()} == {NOT_DUE}


@pytest.mark.parametrize("most", [7, 50_000])
async def test_a_sweep_forgets_all_that_is_due_some_at_a_time(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(under_test, "_SWEEP_S", 0.01)
    monkeypatch.setattr("services.sender.forget.MOST", most)
    rows = Rows()
    scheduler, _ = await taken(rows)
    rows.put(*settled(1500), *settled(2500, NOT_DUE))
    sweeping = asyncio.create_task(scheduler.sweep())
    await asyncio.sleep(0.015)
    sweeping.cancel()
    await eventually(lambda: len(rows.entries) == 2500)
    assert {entry.forget_at for entry in rows.entries.values()} == {NOT_DUE}
    assert rows.most_waiting <= 200, "a task for each row"


async def test_who_takes_a_partition_away_finds_nobody_reading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "_SWEEP_S", 0.01)
    rows = Rows()
    scheduler, partition = await taken(rows)
    rows.put(*settled(50_000))
    sweeping = asyncio.create_task(scheduler.sweep())
    while not rows.reading:  # noqa: ASYNC110 - the next turn is the one
        await asyncio.sleep(0)
    await scheduler.leaving(partition)
    assert not rows.reading
    sweeping.cancel()


async def test_a_sweep_that_fails_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(under_test, "_SWEEP_S", 0.01)
    rows = Rows()
    scheduler, _ = await taken(rows)
    rows.fails = True
    with caplog.at_level(logging.ERROR):
        sweeping = asyncio.create_task(scheduler.sweep())
        await eventually(lambda: len(caplog.records) >= 2)
    assert not sweeping.done()
    sweeping.cancel()
    assert "the disk is gone" in caplog.text
