"""While a flush is written the next is folded over it: what is read meanwhile and told, and what a failure takes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contract import codec
from services.contract.fold import FoldContract
from services.runtime.folding import flush, index
from services.runtime.folding.flush import Changed
from services.runtime.folding.fold import Fold, Step
from services.runtime.folding.index import INDEX, Listed
from services.runtime.folding.partition import Partition
from services.runtime.folding.queue import MAX_FLUSH_BYTES
from services.runtime.folding.store import PartitionedStore
from tests.folding import tally
from tests.folding.ground import Ground, opened, registered, topic
from tests.folding.tally import Tally
from tests.folding.test_timers import RANG, SOURCE, T1, T2, T3, TABLE, Alarms, Rang, Set, alarms, names
from tests.folding.world import DERIVED, World, fact, record
from tests.folding.world import SOURCE as FACTS
from tests.waiting import eventually

_LONG_S = 600.0
KEYS = ["a", "a b", "b", "ä"]


class Heard(Ground):
    """What its listener heard, put together: the rows as they are told."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows: dict[str, Alarms] = {}
        self.wrong: list[str] = []

    async def folded(self, partition: Partition, changed: Changed) -> None:
        await super().folded(partition, changed)
        for key, row in changed.rows[TABLE.name].items():
            if changed.was[TABLE.name][key] != self.rows.get(key):
                self.wrong.append(f"{key} was {self.rows.get(key)}, and it is told {changed.was[TABLE.name][key]}")
            if row is None:
                # None too where it came and went in one flush.
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        self.look()

    def look(self) -> None:
        """Whatever is read now is what was told."""
        read = self.partition.read
        if {key: read(key) for key in KEYS} != {key: self.rows.get(key) for key in KEYS}:
            self.wrong.append("rows are read otherwise than they were told")
        if self.partition.under(TABLE.name, "", 9) != sorted(self.rows, key=str.encode):
            self.wrong.append("keys")
        listed = sorted((name, key) for key, row in self.rows.items() for name in names(row))
        if self.partition.listed(TABLE.name, "", None, 99) != listed:
            self.wrong.append("listed")
        for place, one in enumerate(listed[:-1]):
            if self.partition.listed(TABLE.name, "", Listed(*one), 1) != [listed[place + 1]]:
                self.wrong.append("listed after")
        due = sorted((row.left[0], key.encode()) for key, row in self.rows.items() if row.left and row.left[0] <= T2)
        if self.partition._rows.due(TABLE, T2, 9) != [key.decode() for _, key in due]:
            self.wrong.append("due")

    def stands(self) -> bool:
        """Whether all that was told is stored, with its index."""
        entries = {one for key, row in self.rows.items() for one in index.entries(TABLE, key, row)}
        return (
            set(self.stored(TABLE.name)) == {key.encode() for key in self.rows}
            and set(self.stores[TABLE.name].keys(0, INDEX, INDEX + b"\xff")) == entries
        )


_SET = st.builds(
    Set,
    st.sampled_from(KEYS),
    st.sampled_from([None, [], [T1], [T2, T3], [T3]]),
    st.sampled_from(["", "shut", "gone", "under x"]),
)
_STEPS = st.lists(
    st.one_of(st.lists(_SET, min_size=1, max_size=3), st.sampled_from(["hold", "go", "tick"])), max_size=25
)


def _fold() -> Fold:
    sources = (topic(SOURCE, Set, lambda event: event.key),)
    rings = topic(RANG, Rang, lambda event: event.key)
    return Fold(FoldContract("any", "timed", sources, (TABLE.name,), (rings,)), (Step(alarms, TABLE),))


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Mapping[str, PartitionedStore]]:
    stores = opened(_fold(), tmp_path)
    yield stores
    for store in stores.values():
        await store.stop()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS)
async def test_whatever_is_written_meanwhile_all_is_read_as_it_was_told(
    stores: Mapping[str, PartitionedStore], steps: list[Any]
) -> None:
    """`hold`: from now on no flush comes to its end; `go`: they do."""
    fold = _fold()
    with registered(*fold.contract.emits):
        ground = Heard(fold, stores, max_batch=6)
        ground.run()
        for step in steps:
            if step == "hold":
                ground.gate.clear()
            elif step == "go":
                ground.gate.set()
            elif step == "tick":
                ground.partition.tick(T1)
            else:
                room = len(ground.partition.queue._waiting) + len(step) < 12
                if room:
                    await ground.partition.queue.put(SOURCE, [ground.record(one, SOURCE) for one in step])
            for _ in range(8):
                await asyncio.sleep(0)
            ground.look()
        ground.gate.set()
        await eventually(lambda: not ground.partition.queue._waiting and ground.stands(), what="all is written")
        await ground.leave()
    assert ground.wrong == []


@pytest.fixture
async def world() -> AsyncIterator[World]:
    tally.register(DERIVED)
    world = World()
    world.gate.clear()
    world.run()
    yield world
    world.partition.close()
    world.gate.set()
    await asyncio.gather(world.running or asyncio.sleep(0), return_exceptions=True)


async def _folds(world: World, offset: int, one: Any) -> None:
    await world.partition.accept(FACTS, [record(offset, one)], offset + 1)
    await asyncio.wait_for(world.partition.progress.reach({FACTS: offset + 1}), 20)
    # It is being written by then, unless another is.
    for _ in range(8):
        await asyncio.sleep(0)


async def test_the_next_flush_is_written_after_the_first_and_builds_on_it(world: World) -> None:
    await _folds(world, 0, fact(1))
    await _folds(world, 1, fact(2))
    assert (world.written(), world.stored, world.flushes) == ([], {}, [])
    world.gate.set()
    await world.flushed(2)
    assert [one.number for one in world.counted()] == [1, 2]
    assert world.flushes == [{(FACTS, 0): 0}, {(FACTS, 0): 1}]


async def test_a_flush_that_changes_nothing_moves_no_mark_past_one_that_is_written(world: World) -> None:
    await _folds(world, 0, fact(1))
    await _folds(world, 1, fact(1))
    assert world.flushes == []
    world.gate.set()
    await world.flushed(2)
    assert world.names() == ["fold", "fold", "write", "apply", "mark", "mark"]


async def test_a_flush_that_fails_takes_what_was_folded_after_it(world: World) -> None:
    await _folds(world, 0, fact(1))
    submitting = asyncio.create_task(world.partition.submit(fact(2, "b")))
    await eventually(lambda: world.partition.read("b") is not None)
    world.broken = RuntimeError("fenced")
    world.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(submitting, 20)
    assert world.running
    with pytest.raises(RuntimeError, match="fenced"):
        await asyncio.wait_for(world.running, 20)
    assert (world.stored, world.flushes) == ({}, [])
    assert (world.partition.read("a"), world.partition.read("b")) == (None, None)


async def test_one_that_fails_while_nothing_comes_ends_the_partition(world: World) -> None:
    await _folds(world, 0, fact(1))
    world.broken = RuntimeError("fenced")
    world.gate.set()
    assert world.running
    with pytest.raises(RuntimeError, match="fenced"):
        await asyncio.wait_for(world.running, 20)


async def test_what_cannot_be_folded_takes_nothing_of_what_is_being_written(world: World) -> None:
    """A record that stops the process, such as a newer release's: what was begun before is begun, or is not; it is not
    in doubt."""
    submitting = asyncio.create_task(world.partition.submit(fact(1)))
    await eventually(lambda: world.partition.read("a") is not None)
    later = asyncio.create_task(world.partition.submit(fact(2, "b")))
    await eventually(lambda: world.partition.read("b") is not None)
    stops = record(0, fact(3), headers=[(codec.FORMAT_HEADER, b"99")])
    await world.partition.queue.put(FACTS, [stops])
    await asyncio.sleep(0.05)
    assert not submitting.done()
    world.gate.set()
    assert world.running
    with pytest.raises(codec.NewerFormat):
        await asyncio.wait_for(world.running, 20)
    await asyncio.wait_for(submitting, 20)
    assert (set(world.stored), len(world.flushes)) == ({b"a"}, 1)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(later, 20)


async def test_when_the_partition_leaves_both_are_written(world: World) -> None:
    await _folds(world, 0, fact(1))
    await _folds(world, 1, fact(2, "b"))
    world.partition.close()
    world.gate.set()
    assert world.running
    await asyncio.wait_for(world.running, 20)
    assert set(world.stored) == {b"a", b"b"}


class Slow(World):
    """Each transaction is to be let go for itself."""

    async def write(self, *args: Any) -> dict[str, int]:
        offsets = await super().write(*args)
        self.gate.clear()
        return offsets


async def test_who_leaves_has_written_the_last_too() -> None:
    tally.register(DERIVED)
    world = Slow()
    world.gate.clear()
    world.run()
    await _folds(world, 0, fact(1))
    await _folds(world, 1, fact(2, "b"))
    world.partition.close()
    world.gate.set()
    await world.flushed()
    for _ in range(20):
        await asyncio.sleep(0)
    assert world.running
    assert (world.running.done(), set(world.stored)) == (False, {b"a"})
    world.gate.set()
    await asyncio.wait_for(world.running, 20)
    assert set(world.stored) == {b"a", b"b"}


async def test_who_is_cancelled_writes_nothing_more(world: World) -> None:
    await _folds(world, 0, fact(1))
    submitting = asyncio.create_task(world.partition.submit(fact(2)))
    await eventually(lambda: world.partition.read("a").number == 2)
    assert world.running
    world.running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(submitting, 20)
    world.gate.set()
    await asyncio.wait([world.running])
    assert (world.written(), world.flushes) == ([], [])


class Broken(World):
    """Its broker fails a transaction where it is told to, and the next owner of the partition goes on."""

    def __init__(self) -> None:
        # Twice as many wait without holding up who fetches.
        super().__init__(max_batch=13)
        self.log: list[Any] = []
        self.own: list[tuple[Any, asyncio.Task[None]]] = []

    async def write(self, *args: Any) -> dict[str, int]:
        try:
            return await super().write(*args)
        finally:
            self.broken = None

    async def put(self, one: Any) -> None:
        self.log.append(one)
        await self._fetch(len(self.log) - 1)

    async def _fetch(self, offset: int) -> None:
        await self.partition.queue.put(FACTS, [record(offset, self.log[offset])])

    def submit(self, one: Any) -> None:
        self.own.append((one, asyncio.create_task(self.partition.submit(one))))

    async def turns(self) -> None:
        for _ in range(8):
            await asyncio.sleep(0)
        if self.running and self.running.done():
            with pytest.raises(RuntimeError, match="fenced"):
                self.running.result()
            await self.taken_over()

    async def written_all(self) -> bool:
        await self.turns()
        return not self.partition.queue._waiting and not self.partition._flushes

    async def taken_over(self) -> None:
        """By the next owner: it begins at the mark, with what is stored."""
        self.partition.close()
        before = self.partition
        self.partition = Partition(before.fold, 0, before._ledger, before._stores, before.queue.max_batch)
        self.run()
        begins = max((flush.get((FACTS, 0), -1) for flush in self.flushes), default=-1) + 1
        for offset in range(begins, len(self.log)):
            await self._fetch(offset)


_HISTORY = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["log", "own"]), st.sampled_from("ab")), st.sampled_from(["hold", "go", "break"])
    ),
    max_size=25,
)


@given(_HISTORY)
async def test_whichever_transaction_fails_what_stands_stands_once_and_in_order(history: list[Any]) -> None:
    tally.register(DERIVED)
    world = Broken()
    world.run()
    for number, step in enumerate(history):
        match step:
            case "hold":
                world.gate.clear()
            case "go":
                world.gate.set()
            case "break":
                world.broken = RuntimeError("fenced")
            case "log", key:
                await world.put(fact(number, key))
            case "own", key:
                world.submit(fact(number, key))
        await world.turns()
    world.gate.set()
    world.broken = None
    await eventually(world.written_all, what="all is written")
    await world.taken_over()
    await eventually(world.written_all, what="all is written")
    world.partition.close()
    assert world.running
    await asyncio.gather(world.running, *(task for _, task in world.own), return_exceptions=True)
    rows = {key.decode(): codec.decode(row, Tally) for key, row in world.stored.items()}
    stand = {name for row in rows.values() for name in row.seen}
    assert stand == {
        *(one.event_id for one in world.log),
        *(one.event_id for one, task in world.own if not task.cancelled()),
    }
    told = world.counted()
    assert len({one.event_id for one in told}) == len(told) == len(stand)
    for row in rows.values():
        after, derived = None, []
        for name in row.seen:
            after, events = tally.fold(after, tally.Fact(name, row.key))
            derived += events
        assert (after, derived) == (row, [one for one in told if one.key == row.key])


async def test_what_is_folded_meanwhile_is_bounded_by_the_bytes_of_its_records() -> None:
    """Little comes of them, but they stay in memory until it is written."""
    tally.register(DERIVED)
    world = World(max_batch=1000)
    world.gate.clear()
    world.run()
    headers = (("padding", b"x" * (MAX_FLUSH_BYTES // 4)),)
    putting = asyncio.create_task(
        world.partition.queue.put(FACTS, [record(offset, fact(1), headers=headers) for offset in range(40)])
    )
    await eventually(lambda: world.names().count("fold") >= 4)
    for _ in range(50):
        await asyncio.sleep(0)
    assert world.names().count("fold") < 12
    world.gate.set()
    await asyncio.wait_for(putting, 20)
    await asyncio.wait_for(world.partition.progress.reach({FACTS: 40}), 20)
    world.partition.close()
    assert world.running
    await asyncio.wait_for(world.running, 20)


class Failing(World):
    """Whoever hears of a row has a defect."""

    async def folded(self, partition: Partition, changed: Changed) -> None:
        raise RuntimeError("a defect")


async def test_a_defect_of_who_hears_ends_the_partition_and_does_not_come_again() -> None:
    """What it failed at is committed and marked first: the next owner begins behind it."""
    tally.register(DERIVED)
    world = Failing()
    await world.partition.queue.put(FACTS, [record(0, fact(1))])
    world.run()
    assert world.running
    with pytest.raises(RuntimeError, match="a defect"):
        await asyncio.wait_for(world.running, 20)
    assert world.names() == ["fold", "write", "apply", "mark"]
    # Nobody was told that it is folded: who waits for that decides nothing.
    assert world.partition.progress.upto == {FACTS: 0}


class Deciding(World):
    """Whoever hears of a row decides something of it, and submits an event about it; or nothing for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def folded(self, partition: Partition, changed: Changed) -> None:
        await super().folded(partition, changed)
        rows: Mapping[str, Tally] = changed.rows[tally.FOLD]
        if "a" in rows and rows["a"].number == 1:
            self.tasks.append(asyncio.create_task(self._turn()))

    async def _turn(self) -> None:
        self.tasks.append(asyncio.create_task(self._decide()))

    async def _decide(self) -> None:
        with self.partition.deciding():
            await self.asked.wait()
        await self.partition.submit(fact(2))


class Decided(Deciding):
    """It need not be waited for, as where a lane is stopped."""

    async def _turn(self) -> None:
        await self.partition.submit(fact(2))


@pytest.fixture
async def deciding(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Deciding]:
    monkeypatch.setattr(flush, "_DECIDED_S", _LONG_S)
    tally.register(DERIVED)
    world = Deciding()
    world.run()
    yield world
    world.asked.set()
    world.partition.close()
    await asyncio.gather(world.running or asyncio.sleep(0), *world.tasks, return_exceptions=True)


async def test_what_is_decided_of_a_row_is_written_with_it(deciding: Deciding) -> None:
    await deciding.partition.accept(FACTS, [record(0, fact(1))], 1)
    await eventually(lambda: len(deciding.tasks) == 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert deciding.written() == []
    deciding.asked.set()
    await deciding.flushed()
    assert [len(rows) for _, rows in deciding.written()] == [1]
    assert [one.number for one in deciding.counted()] == [1, 2]


async def test_what_is_decided_at_once_is_written_with_it_too() -> None:
    tally.register(DERIVED)
    world = Decided()
    world.run()
    await world.partition.accept(FACTS, [record(0, fact(1))], 1)
    await eventually(lambda: len(world.counted()) == 2)
    world.partition.close()
    assert world.running
    await asyncio.gather(world.running, *world.tasks)
    assert len(world.written()) == 1


async def test_a_row_of_which_nothing_is_decided_soon_is_written(
    deciding: Deciding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flush, "_DECIDED_S", 0.02)
    await deciding.partition.accept(FACTS, [record(0, fact(1))], 1)
    await deciding.flushed()
    assert not deciding.asked.is_set()


async def test_an_event_of_our_own_waits_for_no_other_decision(deciding: Deciding) -> None:
    await deciding.partition.accept(FACTS, [record(0, fact(1))], 1)
    await eventually(lambda: len(deciding.tasks) == 2)
    await asyncio.wait_for(deciding.partition.submit(fact(3, "b")), 20)
    assert not deciding.asked.is_set()
