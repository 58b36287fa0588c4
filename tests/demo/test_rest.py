"""A history that moves while it is read is read again, and not for ever."""

import pytest

from services.checker.history import History
from services.demo.rest import read_at_rest

MOVED, RESTED = History([]), History([], at_rest=True)


@pytest.mark.parametrize(
    ("histories", "read", "waited"),
    [
        ([RESTED], 1, 0),
        ([MOVED, RESTED, MOVED], 2, 1),
        ([MOVED, MOVED, RESTED], 3, 2),
        ([MOVED, MOVED, MOVED, RESTED], 3, 2),
    ],
)
async def test_it_is_read_until_nothing_moved_meanwhile(histories: list[History], read: int, waited: int) -> None:
    readings, waits = iter(histories), list[float]()
    taken: list[History] = []

    async def reading() -> History:
        taken.append(next(readings))
        return taken[-1]

    async def waiting(deadline_s: float) -> str | None:
        waits.append(deadline_s)
        return None

    found = await read_at_rest(reading, waiting)
    assert found is taken[-1]
    assert (len(taken), len(waits)) == (read, waited)
