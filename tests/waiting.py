"""Waiting for something to come true."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


async def eventually(
    condition: Callable[[], Awaitable[T] | T], deadline_s: float = 60.0, what: str = "the condition"
) -> T:
    """Poll `condition`, plain or a coroutine function, until it returns something true, and return that.

    An AssertionError in it counts as "not yet". Past `deadline_s` seconds the test fails, saying `what` did
    not come true and what `condition` gave last.
    """
    started = time.monotonic()
    while True:
        last: object
        asked = time.monotonic()
        try:
            if value := await _call(condition):
                return value
            last = value
        except AssertionError as error:
            last = error
        took, waited = time.monotonic() - asked, time.monotonic() - started
        if waited > deadline_s:
            pytest.fail(f"not within {deadline_s:g} s: {what}; last seen: {last!r}")
        # To ask often costs both sides CPU: what takes long is asked about less and less often, and so is what it takes
        # long to ask about, such as a log that is read whole.
        await asyncio.sleep(max(min(max(0.02, waited / 20), 0.1), min(3 * took, 0.5)))


async def _call(condition: Callable[[], Awaitable[T] | T]) -> T:
    result = condition()
    return await result if isinstance(result, Awaitable) else result
