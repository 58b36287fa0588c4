"""A flush for which nobody waits stays open a while: what comes is folded into it, and counts as folded."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import codec
from services.runtime.folding import partition
from services.runtime.folding.queue import MAX_FLUSH_BYTES
from tests.folding import tally
from tests.folding.tally import Counted, Tally
from tests.folding.world import DERIVED, SOURCE, World, fact, record

_LONG_S = 600.0
_SOON_S = 0.05
# Of items: a record, and how far its topic is read with it, are two.
_MOST = 8


class Quiet(World):
    """Facts that say `tell` emit an event, others nothing."""

    def _fold(self, state: Any, fact: Any, /) -> tuple[Any, list[Counted]]:
        after, derived = super()._fold(state, fact)
        return after, derived if fact.note.startswith("tell") else []


@pytest.fixture
async def quiet(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Quiet]:
    monkeypatch.setattr(partition, "_OPEN_S", _LONG_S)
    tally.register(DERIVED)
    world = Quiet(max_batch=_MOST, unhurried=True)
    world.run()
    yield world
    await _end(world)


async def _end(world: World) -> None:
    world.partition.close()
    world.gate.set()
    await asyncio.gather(world.running or asyncio.sleep(0), return_exceptions=True)


async def _folded(world: World, upto: int) -> None:
    await asyncio.wait_for(world.partition.progress.reach({SOURCE: upto}), 20)


async def test_what_is_folded_counts_and_is_read_before_it_is_written(quiet: Quiet) -> None:
    await quiet.partition.accept(SOURCE, [record(0, fact(1))], 1)
    await _folded(quiet, 1)
    await quiet.partition.accept(SOURCE, [record(1, fact(2)), record(2, fact(3, "b"))], 3)
    await _folded(quiet, 3)

    assert [quiet.partition.read(key).number for key in "ab"] == [2, 1]
    assert (quiet.written(), quiet.stored, quiet.flushes) == ([], {}, [])


async def test_a_row_that_is_removed_is_read_as_removed(quiet: Quiet) -> None:
    await quiet.partition.accept(SOURCE, [record(0, fact(1, note="tell"))], 1)
    await quiet.flushed()
    await quiet.partition.accept(SOURCE, [record(1, fact(2, note="forget"))], 2)
    await _folded(quiet, 2)
    assert quiet.partition.read("a") is None
    assert set(quiet.stored) == {b"a"}


async def test_an_event_that_is_told_ends_it(quiet: Quiet) -> None:
    await quiet.partition.accept(SOURCE, [record(0, fact(1))], 1)
    await _folded(quiet, 1)
    await quiet.partition.accept(SOURCE, [record(1, fact(2, note="tell"))], 2)
    await quiet.flushed()
    [(emissions, rows)] = quiet.written()
    assert (len(emissions), len(rows)) == (1, 1)
    assert quiet.flushes[0] == {(SOURCE, 0): 1}
    assert quiet.partition.read("a").number == 2


async def test_an_event_of_our_own_ends_it(quiet: Quiet) -> None:
    await quiet.partition.accept(SOURCE, [record(0, fact(1))], 1)
    await _folded(quiet, 1)
    await asyncio.wait_for(quiet.partition.submit(fact(2)), 20)
    assert len(quiet.written()) == 1
    assert quiet.partition.read("a").number == 2


async def test_as_many_records_as_a_flush_takes_end_it(quiet: Quiet) -> None:
    for offset in range(_MOST // 2):
        await quiet.partition.accept(SOURCE, [record(offset, fact(offset))], offset + 1)
        await _folded(quiet, offset + 1)
    await quiet.flushed()
    assert len(quiet.written()) == 1


async def test_as_much_as_a_flush_takes_ends_it(quiet: Quiet) -> None:
    # Rows are bounded, so their sum is what grows: each keeps the ids of its facts.
    large = "x" * (MAX_FLUSH_BYTES // 10)
    quiet.partition.queue.max_batch = 1000
    for offset in range(12):
        one = tally.Fact(f"{large}{offset}", f"key-{offset}")
        await quiet.partition.accept(SOURCE, [record(offset, one)], offset + 1)
    await quiet.flushed()
    assert len(quiet.written()) == 1


async def test_when_the_partition_leaves_what_is_folded_is_written(quiet: Quiet) -> None:
    await quiet.partition.accept(SOURCE, [record(0, fact(1))], 1)
    await _folded(quiet, 1)
    await _end(quiet)
    assert set(quiet.stored) == {b"a"}
    assert quiet.flushes[0] == {(SOURCE, 0): 0}


async def test_one_that_fails_cancels_who_came_to_it_later(quiet: Quiet) -> None:
    quiet.broken = RuntimeError("fenced")
    await quiet.partition.accept(SOURCE, [record(0, fact(1))], 1)
    await _folded(quiet, 1)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(quiet.partition.submit(fact(2)), 20)
    assert quiet.running
    with pytest.raises(RuntimeError, match="fenced"):
        await quiet.running
    assert quiet.stored == {}


async def test_it_is_written_after_a_while(quiet: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "_OPEN_S", _SOON_S)
    await quiet.partition.accept(SOURCE, [record(0, fact(1))], 1)
    await quiet.flushed()
    assert set(quiet.stored) == {b"a"}


async def test_one_that_changes_nothing_does_not_stay_open(quiet: Quiet) -> None:
    await quiet.partition.accept(SOURCE, [], 5)
    await quiet.flushed()
    assert quiet.written() == []


async def test_rows_that_somebody_waits_for_are_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "_OPEN_S", _LONG_S)
    tally.register(DERIVED)
    world = Quiet(max_batch=_MOST)
    world.run()
    await world.partition.accept(SOURCE, [record(0, fact(1))], 1)
    await world.flushed()
    assert set(world.stored) == {b"a"}
    await _end(world)


_FACT = st.builds(
    fact, st.integers(0, 9), st.sampled_from("ab"), st.sampled_from(["", "", "", "tell", "forget", "refuse"])
)


@given(st.lists(st.tuples(st.sampled_from(["log", "log", "own"]), _FACT), max_size=20), st.sampled_from([0.0, _LONG_S]))
async def test_whatever_comes_is_written_in_order_and_once(history: list[tuple[str, Any]], open_s: float) -> None:
    tally.register(DERIVED)
    world = Quiet(max_batch=_MOST, unhurried=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partition, "_OPEN_S", open_s)
        world.run()
        for offset, (kind, one) in enumerate(history):
            if kind == "log":
                await world.partition.accept(SOURCE, [record(offset, one)], offset + 1)
                await _folded(world, offset + 1)
            else:
                await asyncio.gather(world.partition.submit(one), return_exceptions=True)
        await _end(world)
    rows, told = _expected([one for _, one in history])
    assert {key.decode(): codec.decode(row, Tally) for key, row in world.stored.items()} == rows
    assert world.counted() == told


def _expected(facts: Sequence[Any]) -> tuple[dict[str, Tally], list[Counted]]:
    """What the facts come to one by one, with no flush at all."""
    rows: dict[str, Tally] = {}
    told: list[Counted] = []
    for one in facts:
        if one.note == "refuse":
            continue
        after, derived = tally.fold(rows.pop(one.key, None), one)
        if after is not None:
            rows[one.key] = after
        told += derived if one.note == "tell" else []
    return rows, told
