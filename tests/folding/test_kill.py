"""kill -9 anywhere in a flush repeats work and loses none; what was committed stands exactly once."""

import signal

import pytest

from tests.folding.rig import Rig

FAILPOINTS = (
    "flush.folded",
    "flush.begun",
    "flush.sent",
    "flush.acknowledged",
    "flush.committed",
    "flush.applied",
)
EVERYDAY = {"flush.acknowledged", "flush.committed"}


@pytest.mark.parametrize(
    ("failpoint", "wiped"),
    [
        # By turns; where the store is wiped here, tests/folding/test_watched.py keeps it.
        pytest.param(name, bool(number % 2), marks=() if name in EVERYDAY else pytest.mark.slow)
        for number, name in enumerate(FAILPOINTS)
    ],
    ids=lambda value: value if isinstance(value, str) else "wiped" if value else "kept",
)
async def test_killed_at(rig: Rig, failpoint: str, wiped: bool) -> None:
    await rig.tell(rig.facts(200))
    doomed = rig.start(failpoint=f"{failpoint}:5", max_batch=20)
    assert await doomed.exit_code() == -signal.SIGKILL
    await rig.tell(rig.facts(50))
    if wiped:
        rig.wipe()

    worker = rig.start(max_batch=20)
    await rig.folded()
    await rig.same_rows([await worker.stop()])


@pytest.mark.parametrize(
    ("failpoint", "stands"), [("flush.acknowledged", False), ("flush.committed", True)], ids=["open", "committed"]
)
async def test_events_and_rows_of_a_flush_appear_together_or_not_at_all(rig: Rig, failpoint: str, stands: bool) -> None:
    await rig.tell(fact for fact in rig.facts(9, keys=1))
    doomed = rig.start(failpoint=failpoint)
    assert await doomed.exit_code() == -signal.SIGKILL
    await rig.abort_open_transactions()

    assert len(await rig.read(rig.derived, "read_uncommitted")) == 9
    assert len(await rig.read(rig.changelog, "read_uncommitted")) == 1
    assert len(await rig.read(rig.derived)) == (9 if stands else 0)
    assert len(await rig.read(rig.changelog)) == (1 if stands else 0)
    assert await rig.committed() == {}
