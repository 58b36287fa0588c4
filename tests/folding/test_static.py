"""Workers with names of their own (`instance_id`): back before their session is over, they disturb nobody."""

import signal

import pytest

from tests.folding.process import Worker
from tests.folding.rig import Rig
from tests.folding.test_rebalance import load
from tests.waiting import eventually

# Long: what is waited for here may not be a session's end.
_SESSION_S = 60.0


def named(rig: Rig, name: str, folder: str | None = None, session_timeout_s: float = _SESSION_S) -> Worker:
    return rig.start(folder or name, instance_id=name, session_timeout_s=session_timeout_s)


async def told_why(worker: Worker) -> bool:
    """Whether it ends and says that another has its name: its group tells it so, or in a flush the fence does."""
    told = {1: "another worker took this one's partitions", 2: "another worker has joined as one"}
    return told[await worker.exit_code()] in worker.log


@pytest.mark.parametrize("ending", ["killed", pytest.param("stopped", marks=pytest.mark.slow)])
async def test_a_named_worker_that_comes_back_disturbs_nobody(rig: Rig, ending: str) -> None:
    one, two = named(rig, "one"), named(rig, "two")
    owned = await one.ready(rig.partitions // 2), await two.ready(rig.partitions // 2)
    left, ready = len(two.said("leaving")), len(two.said("ready"))
    async with load(rig):
        if ending == "killed":
            one.discard()
        else:
            await one.stop()
        # At the same address, as a pod of a StatefulSet is.
        again = rig.start("one", instance_id="one", session_timeout_s=_SESSION_S, port=one.spec.port)
        assert await again.ready(rig.partitions // 2) == owned[0]
    await rig.folded()
    assert (len(two.said("leaving")), len(two.said("ready")), two.owns()) == (left, ready, owned[1])
    await rig.same_rows(await rig.stop(again, two))


async def test_of_two_with_one_name_one_ends(rig: Rig) -> None:
    """Most often the older; where it joins once more before it hears of the other, the newer."""
    two = older, newer = named(rig, "one", "older"), named(rig, "one", "newer")
    async with load(rig):
        await eventually(lambda: any(one.process.poll() is not None for one in two), 60, "one of them ends")
        ended, stays = (older, newer) if older.process.poll() is not None else (newer, older)
        assert await told_why(ended)
        await stays.ready(rig.partitions, deadline_s=60)
    await rig.folded(but=ended)
    await rig.same_rows([await stays.stop()])


async def test_a_frozen_worker_whose_name_was_taken_ends_when_it_wakes(rig: Rig) -> None:
    await rig.tell(rig.facts(100))
    frozen = named(rig, "one", "frozen")
    await rig.folded()
    frozen.signal(signal.SIGSTOP)
    newer = named(rig, "one", "newer")
    await newer.ready(rig.partitions)
    await rig.tell(rig.facts(100))
    await rig.folded()

    frozen.signal(signal.SIGCONT)
    assert await told_why(frozen)
    await rig.tell(rig.facts(100))
    await rig.folded(but=frozen)
    await rig.same_rows([await newer.stop()])


@pytest.mark.slow
async def test_a_named_worker_that_comes_back_at_another_address_has_partitions_too(rig: Rig) -> None:
    one, two = named(rig, "one"), named(rig, "two")
    await one.ready(rig.partitions // 2)
    await two.ready(rig.partitions // 2)
    one.discard()
    again = named(rig, "one")
    await again.ready(rig.partitions // 2)
    await two.ready(rig.partitions // 2)
    await rig.tell(rig.facts(100))
    await rig.folded()
    await rig.same_rows(await rig.stop(again, two))


@pytest.mark.slow
async def test_a_named_worker_whose_session_ran_out_joins_anew(rig: Rig) -> None:
    frozen, other = named(rig, "one", None, 6.0), named(rig, "two", None, 6.0)
    await frozen.ready(rig.partitions // 2)
    frozen.signal(signal.SIGSTOP)
    await other.ready(rig.partitions)
    frozen.signal(signal.SIGCONT)
    await frozen.ready(rig.partitions // 2, deadline_s=60)
    await other.ready(rig.partitions // 2, deadline_s=60)
    await rig.tell(rig.facts(100))
    await rig.folded()
    await rig.same_rows(await rig.stop(frozen, other))
