"""Turns that begin a while apart."""

import asyncio
from itertools import pairwise

import pytest

from services.runtime.apart import Apart

_SECONDS = 0.03


async def test_turns_begin_at_least_so_far_apart() -> None:
    turns, begun = Apart(_SECONDS), []
    for _ in range(4):
        await turns.turn()
        begun.append(asyncio.get_running_loop().time())
    assert all(later - one >= _SECONDS for one, later in pairwise(begun))


async def test_the_first_and_one_after_a_rest_do_not_wait() -> None:
    turns = Apart(_SECONDS)
    _begins_at_once(turns)
    rested = asyncio.Event()
    asyncio.get_running_loop().call_later(_SECONDS, rested.set)
    await rested.wait()
    _begins_at_once(turns)


async def test_one_that_is_to_begin_at_once_does_not_wait_and_the_one_after_it_does() -> None:
    turns, now = Apart(_SECONDS), asyncio.get_running_loop().time
    await turns.turn()
    asked = now()
    with pytest.raises(StopIteration):
        turns.turn(at_once=True).send(None)
    await turns.turn()
    assert now() - asked >= _SECONDS


def _begins_at_once(turns: Apart) -> None:
    # It ends without having given way to anything.
    with pytest.raises(StopIteration):
        turns.turn().send(None)
