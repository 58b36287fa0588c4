"""What a flush does, in which order, and what it leaves alone. See `world` for what stands in."""

import asyncio
import gc

import pytest

from services.contract import codec
from services.runtime.folding.flush import Flush
from services.runtime.folding.fold import Emission
from tests.folding import tally
from tests.folding.tally import Tally
from tests.folding.world import DERIVED, SOURCE, World, fact, record
from tests.waiting import eventually


async def test_events_and_rows_are_written_together_then_applied_then_marked(world: World) -> None:
    await world.partition.queue.put(SOURCE, [record(7, fact(1)), record(9, fact(2, "b"))])
    world.run()
    await world.flushed()

    assert world.names() == ["fold", "fold", "write", "apply", "mark"]
    emissions, rows = world.written()[0]
    assert [one.topic for one in emissions] == [DERIVED, DERIVED]
    assert [one.key for one in rows] == [b"a", b"b"]
    assert world.effects[3:] == [("apply", (0, 41)), ("mark", {(SOURCE, 0): 9})]


async def test_a_flush_that_is_written_is_let_go_though_no_other_follows(world: World) -> None:
    """Its records and events may be megabytes, of each partition that is idle."""
    before = held()
    world.gate.clear()
    await world.partition.queue.put(SOURCE, [record(0, fact(1))])
    world.run()
    await eventually(lambda: "fold" in world.names())
    assert held() - before
    world.gate.set()
    await world.flushed()
    await eventually(lambda: not held() - before, what="it is let go")


def held() -> set[Flush]:
    return {one for one in gc.get_objects() if isinstance(one, Flush)}


async def test_nothing_is_applied_or_marked_before_the_write_is_acknowledged(world: World) -> None:
    world.gate.clear()
    await world.partition.queue.put(SOURCE, [record(0, fact(1))])
    world.run()
    await eventually(lambda: "fold" in world.names())
    await asyncio.sleep(0)
    assert (world.names(), world.stored, world.flushes) == (["fold"], {}, [])
    world.gate.set()
    await world.flushed()
    assert world.names() == ["fold", "write", "apply", "mark"]


async def test_nothing_is_applied_or_marked_when_the_write_fails(world: World) -> None:
    world.broken = RuntimeError("fenced")
    await world.partition.queue.put(SOURCE, [record(0, fact(1))])
    world.run()
    assert world.running
    with pytest.raises(RuntimeError, match="fenced"):
        await world.running
    assert (world.names(), world.stored) == (["fold"], {})


async def test_events_of_one_key_in_one_batch_build_on_each_other(world: World) -> None:
    facts = [fact(1), fact(2), fact(1, "b"), fact(3)]
    await world.partition.queue.put(SOURCE, [record(offset, one) for offset, one in enumerate(facts)])
    world.run()
    await world.flushed()

    rows, events = tally.expected(codec.encode(one) for one in facts)
    assert world.counted() == events
    assert [codec.decode(row.value, Tally) for _, written in world.written() for row in written] == list(rows.values())
    assert world.partition.read("a") == rows["a"]


async def test_a_key_that_is_removed_and_comes_again_in_one_batch_starts_anew(world: World) -> None:
    facts = [fact(1), fact(2, note="forget"), fact(3)]
    await world.partition.queue.put(SOURCE, [record(offset, one) for offset, one in enumerate(facts)])
    world.run()
    await world.flushed()
    assert [one.number for one in world.counted()] == [1, 1]

    await world.partition.queue.put(SOURCE, [record(3, fact(4, note="forget"))])
    await world.flushed(2)
    assert world.written()[1] == ([], [Emission("", b"a", None, [])])
    assert world.partition.read("a") is None


async def test_a_fact_that_changes_nothing_is_marked_and_not_written(world: World) -> None:
    await world.partition.queue.put(SOURCE, [record(0, fact(1))])
    world.run()
    await world.flushed()
    await world.partition.queue.put(SOURCE, [record(1, fact(1))])
    await world.flushed(2)
    assert world.names() == ["fold", "write", "apply", "mark", "fold", "mark"]
    assert world.flushes[1] == {(SOURCE, 0): 1}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\x00{", "undecodable"),
        (None, "undecodable"),
        (b'{"event_id": 1, "key": "a"}', "undecodable"),
        (codec.encode(fact(2, note="refuse")), "unfoldable"),
        (codec.encode(fact(2, note="defect")), "defect"),
    ],
)
async def test_what_cannot_be_folded_is_kept_as_it_was_and_the_rest_goes_on(
    world: World, value: bytes | None, reason: str
) -> None:
    came = record(6, value, key=b"\x00key", headers=(("traceparent", b"00-1"), ("odd", None)))
    await world.partition.queue.put(SOURCE, [record(5, fact(1)), came, record(7, fact(3))])
    world.run()
    await world.flushed()

    assert [one.number for one in world.counted()] == [1, 2]
    assert world.flushes[0] == {(SOURCE, 0): 7}
    (letter,) = [one for one in world.emitted() if one.topic == "facts.dead.v1"]
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (b"\x00key", value)
    assert headers["reason"] == reason.encode()
    assert headers["source-header-traceparent"] == b"00-1"
    assert headers["source-header-odd"] == b""
    assert (headers["source-topic"], headers["source-partition"], headers["source-offset"]) == (b"facts.v1", b"0", b"6")


async def test_records_seen_before_are_passed_over(world: World) -> None:
    await world.partition.queue.put(SOURCE, [record(0, fact(1)), record(1, fact(2))])
    await world.partition.queue.put(SOURCE, [record(0, fact(1)), record(1, fact(2)), record(4, fact(3))])
    await world.partition.queue.put(SOURCE, [record(1, fact(2))])
    world.run()
    await world.flushed()
    assert [detail.event_id for effect, detail in world.effects if effect == "fold"] == ["fact-1", "fact-2", "fact-3"]


async def test_the_consumer_waits_while_too_much_waits(world: World) -> None:
    await world.partition.queue.put(SOURCE, [record(offset, fact(offset)) for offset in range(7)])
    full = asyncio.create_task(world.partition.queue.put(SOURCE, [record(7, fact(7))]))
    await asyncio.sleep(0)
    assert not full.done()
    world.run()
    await asyncio.wait_for(full, 20)
    await world.flushed(2)
    assert [len(flush) for flush in world.flushes] == [1, 1]
    assert len(world.counted()) == 8


async def test_closing_finishes_what_is_folded_and_forgets_what_waits(world: World) -> None:
    world.gate.clear()
    await world.partition.queue.put(SOURCE, [record(0, fact(1))])
    world.run()
    await eventually(lambda: world.partition.progress.upto == {SOURCE: 1})
    # The next flush is folded meanwhile, as large as it may be.
    await world.partition.queue.put(SOURCE, [record(offset, fact(offset)) for offset in range(2, 6)])
    await eventually(lambda: world.partition.progress.upto == {SOURCE: 6})
    await world.partition.queue.put(SOURCE, [record(6, fact(6))])
    submitting = asyncio.create_task(world.partition.submit(fact(3)))
    await asyncio.sleep(0)

    world.partition.close()
    with pytest.raises(asyncio.CancelledError):
        await submitting
    await world.partition.queue.put(SOURCE, [record(7, fact(4))])
    world.gate.set()
    assert world.running
    await asyncio.wait_for(world.running, 20)
    assert world.flushes == [{(SOURCE, 0): 0}, {(SOURCE, 0): 5}]
    assert [one.number for one in world.counted()] == [1, 2, 3, 4, 5]
    with pytest.raises(asyncio.CancelledError):
        await world.partition.submit(fact(5))


async def test_closing_frees_a_consumer_that_waits_for_room(world: World) -> None:
    full = asyncio.create_task(world.partition.queue.put(SOURCE, [record(offset, fact(offset)) for offset in range(8)]))
    await asyncio.sleep(0)
    assert not full.done()
    world.partition.close()
    await asyncio.wait_for(full, 20)


async def test_headers_take_room_as_values_do(world: World) -> None:
    """Few records, nearly empty but for their headers: else thousands of them would wait in memory."""
    world.partition.queue.max_batch = 1000
    heavy = [record(number, fact(number), headers=(("h", bytes(1 << 20)), ("n", None))) for number in range(20)]
    putting = asyncio.create_task(world.partition.queue.put(SOURCE, heavy))
    await eventually(lambda: world.partition.queue._waiting)
    assert not putting.done()
    world.run()
    await putting
    await eventually(lambda: len(world.counted()) == 20)
    assert len(world.flushes) > 1
