"""Events of our own, folded in order with what comes off the log."""

import asyncio

import pytest

from tests.folding.world import World, fact
from tests.waiting import eventually


async def test_an_event_of_our_own_is_committed_when_submit_returns(world: World) -> None:
    world.gate.clear()
    world.run()
    submitting = asyncio.create_task(world.partition.submit(fact(1)))
    await eventually(lambda: "fold" in world.names())
    assert not submitting.done()
    world.gate.set()
    await asyncio.wait_for(submitting, 20)
    assert world.names()[:3] == ["fold", "write", "apply"]
    assert world.flushes[0] == {}


async def test_an_event_of_our_own_that_has_no_place_comes_back_to_who_submitted_it(world: World) -> None:
    world.run()
    with pytest.raises(ValueError, match="no place"):
        await asyncio.wait_for(world.partition.submit(fact(1, note="refuse")), 20)
    await asyncio.wait_for(world.partition.submit(fact(2)), 20)


async def test_who_submitted_and_went_away_does_no_harm(world: World) -> None:
    submitting = asyncio.create_task(world.partition.submit(fact(1, note="refuse")))
    await asyncio.sleep(0)
    submitting.cancel()
    await asyncio.wait([submitting])
    world.run()
    await asyncio.wait_for(world.partition.submit(fact(2)), 20)
    assert world.running
    assert not world.running.done()


async def test_who_submitted_hears_of_a_flush_that_failed(world: World) -> None:
    world.broken = RuntimeError("fenced")
    submitting = asyncio.create_task(world.partition.submit(fact(1)))
    await asyncio.sleep(0)
    world.run()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(submitting, 20)
